from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("gateway_control", "0011_accepted_differences"),
    ]

    operations = [
        migrations.AddField(
            model_name="counterwindow",
            name="reasons",
            field=models.JSONField(default=dict, null=True),
        ),
    ]
