# Renames two models. Their tables, indexes and constraints keep the names that they have in the database: no statement
# runs, and processes of the version before go on writing to the same tables.

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('gateway_control', '0007_what_a_replay_proves'),
    ]

    operations = [
        migrations.AlterModelTable(name='slot', table='gateway_control_slot'),
        migrations.RenameModel(old_name='Slot', new_name='CounterWindow'),
        migrations.AlterModelTable(name='mirrorslot', table='gateway_control_mirrorslot'),
        migrations.RenameModel(old_name='MirrorSlot', new_name='MirrorWindow'),
    ]
