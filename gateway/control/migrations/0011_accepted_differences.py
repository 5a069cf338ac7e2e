from django.db import migrations, models

import gateway.control.timestamps


class Migration(migrations.Migration):
    dependencies = [
        ("gateway_control", "0010_hooks"),
    ]

    operations = [
        migrations.CreateModel(
            name="AcceptedDifference",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("route", models.CharField(db_index=True, max_length=200)),
                ("fingerprint", models.CharField(max_length=32)),
                ("kind", models.CharField(max_length=32)),
                ("pointer", models.TextField()),
                ("expected", models.JSONField(null=True)),
                ("actual", models.JSONField(null=True)),
                ("until", models.DateField()),
                ("at", gateway.control.timestamps.MomentField()),
                ("who", models.CharField(max_length=200)),
                ("why", models.TextField()),
            ],
        ),
    ]
