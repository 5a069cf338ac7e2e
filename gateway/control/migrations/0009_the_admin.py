from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("gateway_control", "0008_counter_windows"),
    ]

    operations = [
        migrations.CreateModel(
            name="Route",
            fields=[
                ("name", models.CharField(max_length=200, primary_key=True, serialize=False)),
            ],
            options={
                "verbose_name": "route",
                "verbose_name_plural": "migration",
                "permissions": (
                    ("operate_route", "Can promote, pause, resume and roll back routes"),
                    ("accept_differences", "Can accept and resolve differences"),
                    ("override_evidence", "Can promote routes without the evidence"),
                    ("record_requests", "Can record requests"),
                ),
                "managed": False,
                "default_permissions": ("view",),
            },
        ),
        migrations.AddIndex(
            model_name="hour",
            index=models.Index(fields=["fallbacks", "start"], name="gateway_hours_of_fallbacks"),
        ),
    ]
