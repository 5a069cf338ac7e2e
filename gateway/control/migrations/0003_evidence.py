# What promotions rest on: releases, critical differences, resolutions, how many callers were concerned and where.

import datetime
import gateway.control.timestamps
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('gateway_control', '0002_what_a_worker_refuses'),
    ]

    operations = [
        migrations.AddField(
            model_name='change',
            name='anyway',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='differencegroup',
            name='release',
            field=models.CharField(default='', max_length=100),
        ),
        migrations.AddField(
            model_name='differencegroup',
            name='resolved',
            field=gateway.control.timestamps.MomentField(default=datetime.datetime(1970, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)),
        ),
        migrations.AddField(
            model_name='differencegroup',
            name='resolved_by',
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AddField(
            model_name='differencegroup',
            name='resolved_why',
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name='mirrorslot',
            name='callers',
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name='mirrorslot',
            name='critical',
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='mirrorslot',
            name='differing',
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name='mirrorslot',
            name='release',
            field=models.CharField(default='', max_length=100),
        ),
        migrations.AddField(
            model_name='routedifferences',
            name='release',
            field=models.CharField(default='', max_length=100),
        ),
        migrations.AddField(
            model_name='routedifferences',
            name='since',
            field=gateway.control.timestamps.MomentField(default=datetime.datetime(1970, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)),
        ),
        migrations.AddField(
            model_name='slot',
            name='buckets',
            field=models.TextField(default=''),
        ),
        migrations.AddField(
            model_name='slot',
            name='callers',
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name='slot',
            name='failing',
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name='slot',
            name='release',
            field=models.CharField(default='', max_length=100),
        ),
        migrations.AddField(
            model_name='worker',
            name='releases',
            field=models.JSONField(default=dict),
        ),
    ]
