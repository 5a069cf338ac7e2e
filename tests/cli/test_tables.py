"""Tables on a terminal."""

from gateway.cli.tables import show, table

HINT = 'pip install "django-fastapi-gateway[workbench]"'


def test_a_text_in_square_brackets_is_no_markup(capsys):
    made = table("step", "summary")
    made.add_row("replay", HINT)
    show(made)
    assert HINT in capsys.readouterr().out
