"""What goes with a view, what stays, and what is in the way: of small projects, written out here."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from gateway.workbench.retire.patch import changes_of, diff_of, write
from gateway.workbench.retire.plan import Removal, RemovalPlan, plan_for
from gateway.workbench.retire.project import read_project
from gateway.workbench.retire.templates import TemplateFile, read_templates

URLS = """
    from django.urls import path

    from shop.views import Other, Quotes

    urlpatterns = [
        path("quotes/<int:pk>/", Quotes.as_view(), name="api-quotes"),
        # what stays
        path("other/", Other.as_view(), name="other"),
    ]
"""
VIEWS = """
    from shop.serializers import OtherSerializer, QuoteSerializer


    class Quotes(APIView):
        serializer_class = QuoteSerializer


    class Other(APIView):
        serializer_class = OtherSerializer
"""
SERIALIZERS = """
    class Base(Serializer): ...


    class QuoteSerializer(Base): ...


    class OtherSerializer(Base): ...
"""
SHOP = {"shop/__init__.py": "", "shop/urls.py": URLS, "shop/views.py": VIEWS, "shop/serializers.py": SERIALIZERS}


class Retired:
    """What became of a project."""

    def __init__(self, root: Path, plan: RemovalPlan, changes: list[Any]) -> None:
        self.root = root
        self.plan = plan
        self.changes = changes

    @property
    def gone(self) -> set[str]:
        """The names of the definitions and methods that go."""
        return {part.name for part in self.plan.parts if part.kind in ("definition", "method")}

    @property
    def in_the_way(self) -> list[str]:
        """File and line of each."""
        return [f"{one.path.relative_to(self.root)}:{one.line}: {one.why}" for one in self.plan.in_the_way]

    def after(self, name: str) -> str | None:
        """A file's text once it is done; None where it is gone."""
        path = self.root / name
        changed = {change.path: change.after for change in self.changes}
        return changed.get(path, path.read_text())


@pytest.fixture
def retired(tmp_path: Path) -> Callable[..., Retired]:
    """Retire shop.views.Quotes of a project of these files, beside SHOP."""

    def done(
        files: dict[str, str],
        *templates: TemplateFile,
        names: str = "api-quotes",
        excluded: tuple[str, ...] = (),
        **options: Any,
    ) -> Retired:
        for name, text in (SHOP | files).items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text).lstrip("\n"))
        project = read_project(tmp_path, [tmp_path / folder for folder in excluded])
        wanted = Removal(
            frozenset({("shop.views", "Quotes")}),
            frozenset({names}),
            lambda text: text.startswith("/quotes/"),
            **options,
        )
        plan = plan_for(project, templates, wanted)
        changes = changes_of(project, plan)
        for change in changes:
            ast.parse(change.after or "")
        return Retired(tmp_path, plan, changes)

    return done


def test_the_view_goes_with_its_url_its_serializer_and_their_imports(retired):
    found = retired({})
    assert found.gone == {"Quotes", "QuoteSerializer"}
    assert found.in_the_way == []
    assert found.after("shop/urls.py") == dedent(URLS).lstrip("\n").replace(
        '    path("quotes/<int:pk>/", Quotes.as_view(), name="api-quotes"),\n', ""
    ).replace("Other, Quotes", "Other")
    assert found.after("shop/serializers.py") == dedent(SERIALIZERS).lstrip("\n").replace(
        "\n\nclass QuoteSerializer(Base): ...\n", ""
    )


def test_a_module_in_which_nothing_is_left_goes(retired):
    views = (
        '"""The view."""\n\nfrom shop import serializers as s\n\n\nclass Quotes(APIView):\n    x = s.QuoteSerializer\n'
    )
    urls = 'from shop.views import Quotes\n\nurlpatterns = [path("quotes/", Quotes.as_view())]\n'
    found = retired({"shop/views.py": views, "shop/urls.py": urls})
    assert found.after("shop/views.py") is None
    assert found.after("shop/urls.py") == "urlpatterns = []\n"


@pytest.mark.parametrize(
    "urls",
    [
        "from shop import views\nurlpatterns = [path('q/', views.Quotes.as_view()), path('o/', views.Other)]\n",
        "from shop.views import Quotes, Other\nurlpatterns = [path('q/', cached(Quotes.as_view()))]\nuse(Other)\n",
        "from shop.views import Quotes, Other\nrouter.register('q', Quotes)\nrouter.register('o', Other)\n",
        "from shop.views import *\nurlpatterns = [path('q/', Quotes.as_view()), path('o/', Other.as_view())]\n",
        "from shop.views import Quotes as Q\none = Q.as_view()\nurlpatterns = [path('q/', one)]\n",
        "from .views import Quotes\nurlpatterns = [path('api/', include([path('q/', Quotes.as_view())]))]\n",
        "from shop.views import Quotes\nurlpatterns = []\nurlpatterns += [path('q/', Quotes.as_view())]\n",
    ],
)
def test_a_url_is_found_however_it_is_written(retired, urls):
    found = retired({"shop/urls.py": urls})
    assert found.in_the_way == []
    assert "Quotes" not in (found.after("shop/urls.py") or "").replace("import Quotes as Q", "")
    assert "'q/'" not in (found.after("shop/urls.py") or "")


# -- what stays -------------------------------------------------------------------------------------


STAYING = {
    "what an export uses": {
        "shop/export.py": "from shop.serializers import QuoteSerializer\nrows = QuoteSerializer()\n"
    },
    "what a string names": {"shop/conf.py": 'DEFAULT = "shop.serializers.QuoteSerializer"\n'},
    "what is registered": {
        "shop/serializers.py": SERIALIZERS.replace("class QuoteSerializer", "@register\n    class QuoteSerializer")
    },
    "a model": {"shop/serializers.py": SERIALIZERS.replace("QuoteSerializer(Base)", "QuoteSerializer(models.Model)")},
}


@pytest.mark.parametrize("files", STAYING.values(), ids=STAYING)
def test_what_somebody_else_needs_stays(retired, files):
    found = retired(files)
    assert found.gone == {"Quotes"}
    assert found.in_the_way == []


def test_what_stands_in_another_package_stays(retired):
    views = VIEWS.replace("from shop.serializers import", "from common import")
    found = retired({"shop/views.py": views, "common.py": SERIALIZERS})
    assert found.gone == {"Quotes"}


# -- what is in the way -----------------------------------------------------------------------------

IN_THE_WAY = [
    (
        "shop/more.py",
        "from shop.views import Quotes\n\n\nclass More(Quotes): ...\n",
        "shop/more.py:4: More uses Quotes",
    ),
    (
        "shop/export.py",
        "from shop import views\n\n\ndef export():\n    return views.Quotes()\n",
        "shop/export.py:5: export uses Quotes",
    ),
    (
        "service/main.py",
        "from shop.views import Quotes\nlifted = lift(Quotes)\n",
        "service/main.py:2: lifted uses Quotes",
    ),
    ("shop/mail.py", 'def link():\n    return reverse("api-quotes")\n', "shop/mail.py:2: link reverses 'api-quotes'"),
    (
        "shop/forms.py",
        'class F(Form):\n    x = Field(view_name="api-quotes")\n',
        "shop/forms.py:2: F reverses 'api-quotes'",
    ),
    ("service/links.py", 'LINK = reverse_lazy("api-quotes")\n', "service/links.py:1: LINK reverses 'api-quotes'"),
]


@pytest.mark.parametrize(("name", "text", "said"), IN_THE_WAY)
def test_whoever_still_uses_it_is_named_with_file_and_line(retired, name, text, said):
    assert retired({name: text}).in_the_way == [said]


def test_code_that_is_not_the_projects_is_neither_read_nor_changed(retired):
    """A repository may have more than the project in it."""
    text = 'from shop.views import Quotes\n\n\nclass More(Quotes):\n    link = reverse("api-quotes")\n'
    found = retired({"other/views.py": text, "shop/other/__init__.py": ""}, excluded=("other",))
    assert (found.in_the_way, found.after("other/views.py")) == ([], text)
    assert retired({}).in_the_way != []


def test_a_template_that_reverses_it_is_named(retired, tmp_path):
    page = TemplateFile("page.html", tmp_path / "shop/page.html", ((3, "api-quotes"), (4, "other")), frozenset())
    assert retired({}, page).in_the_way == ["shop/page.html:3: {% url 'api-quotes' %}"]


def test_a_short_name_counts_only_where_names_are_asked_for(retired):
    files = {"shop/words.py": 'KIND = "quotes"\n', "shop/more.py": 'def go():\n    return redirect("quotes")\n'}
    found = retired(files, names="quotes")
    assert found.in_the_way == ["shop/more.py:2: go reverses 'quotes'"]


def test_a_path_that_is_written_out_is_the_services_now(retired):
    found = retired({"shop/mail.py": 'LINK = "/quotes/7/"\n'})
    assert (found.in_the_way, [one.why for one in found.plan.noted]) == ([], ["/quotes/7/ is the service's now"])


# -- tests ------------------------------------------------------------------------------------------

TESTS = """
    import pytest

    from shop.serializers import QuoteSerializer

    QUOTES = "/quotes/{}/"


    @pytest.fixture
    def asked(client):
        return client.get(QUOTES.format(7))


    @pytest.fixture
    def row(): ...


    def test_by_a_fixture(asked): ...
    def test_by_itself(client): client.get(f"/quotes/{7}/?x=1")
    def test_by_name(client): client.get(reverse("api-quotes"))
    def test_the_serializer(): QuoteSerializer()
    def test_another(client, row): client.get("/other/")


    class TestQuotes:
        def test_one(self, client): client.get("/quotes/1/")


    class TestBoth:
        def test_one(self, client): client.get("/quotes/1/")
        def test_two(self, client): client.get("/other/")
"""


def test_tests_of_it_go_and_others_stay(retired):
    found = retired({"shop/tests/test_quotes.py": TESTS})
    after = found.after("shop/tests/test_quotes.py") or ""
    assert found.in_the_way == []
    assert "def test_another" in after
    assert "def row" in after
    assert "class TestBoth" in after
    assert "def test_two" in after
    for gone in (
        "test_by_a_fixture",
        "test_by_itself",
        "test_by_name",
        "test_the_serializer",
        "TestQuotes",
        "asked",
        "QUOTES",
    ):
        assert gone not in after
    assert "def test_one" not in after
    assert "QuoteSerializer" not in after


def test_tests_that_only_ask_a_path_may_be_kept(retired):
    after = retired({"shop/tests/test_quotes.py": TESTS}, keeps_tests=True).after("shop/tests/test_quotes.py") or ""
    assert "test_by_itself" in after
    assert "test_by_a_fixture" in after
    assert "test_by_name" not in after  # nothing has that name any more


def test_tests_of_others_that_ask_through_the_gateway_stay(retired):
    through = 'def test_it(client): client.get("/quotes/7/")\n'
    found = retired({"tests/test_gateway.py": through})
    assert found.after("tests/test_gateway.py") == through


def test_a_helper_that_only_they_used_goes_and_a_fixture_of_all_is_in_the_way(retired):
    views = VIEWS.replace("serializer_class = QuoteSerializer", "serializer_class = helper(QuoteSerializer)")
    views = views.replace(
        "import OtherSerializer, QuoteSerializer",
        "import OtherSerializer, QuoteSerializer\n    from shop.helping import helper",
    )
    conftest = "from shop.helping import helper\n\n\n@pytest.fixture(autouse=True)\ndef clean():\n    helper.clear()\n"
    files = {"shop/views.py": views, "shop/helping.py": "def helper(x): ...\n", "shop/tests/conftest.py": conftest}
    found = retired(files)
    assert "helper" in found.gone
    assert found.in_the_way == ["shop/tests/conftest.py:6: clean uses helper"]


# -- templates and the patch ------------------------------------------------------------------------


def test_a_template_goes_with_the_view_and_what_only_it_takes_in(retired, tmp_path):
    def template(name: str, *takes_in: str) -> TemplateFile:
        path = tmp_path / "templates" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x\n")
        return TemplateFile(name, path, (), frozenset(takes_in))

    views = VIEWS.replace("serializer_class = QuoteSerializer", 'template_name = "quotes.html"')
    templates = (
        template("quotes.html", "base.html", "part.html"),
        template("other.html", "base.html"),
        template("base.html"),
        template("part.html"),
    )
    found = retired({"shop/views.py": views}, *templates)
    assert {one.name for one in found.plan.templates} == {"quotes.html", "part.html"}
    assert found.after("templates/part.html") is None


def test_the_diff_is_one_that_patch_takes_and_so_is_what_is_written(retired, tmp_path):
    found = retired({"shop/tests/test_quotes.py": TESTS})
    diff = diff_of(found.changes, tmp_path)
    expected = {change.path: change.after for change in found.changes}
    subprocess.run(["git", "apply", "--check", "-"], cwd=tmp_path, input=diff, text=True, check=True)
    write(found.changes)
    assert {path: path.read_text() if path.exists() else None for path in expected} == expected


def test_the_diff_of_a_module_that_goes_deletes_it_and_so_does_what_is_written(retired, tmp_path):
    views = "from shop.serializers import QuoteSerializer\n\n\nclass Quotes(APIView):\n    x = QuoteSerializer\n"
    urls = 'from shop.views import Quotes\n\nurlpatterns = [path("quotes/", Quotes.as_view())]\n'
    found = retired({"shop/views.py": views, "shop/urls.py": urls})
    diff = diff_of(found.changes, tmp_path)
    assert "b/shop/views.py\ndeleted file mode 100644\n--- a/shop/views.py\n+++ /dev/null" in diff
    write(found.changes)
    assert not (tmp_path / "shop/views.py").exists()
    assert (tmp_path / "shop/urls.py").read_text() == "urlpatterns = []\n"


def test_a_view_is_found_through_the_modules_that_pass_it_on(retired):
    passed = "from shop.serializers import *\nfrom shop.views import *\n"
    urls = "from shop.api import Quotes\nurlpatterns = [path('q/', Quotes.as_view())]\n"
    found = retired({"shop/api.py": passed, "shop/urls.py": urls})
    assert found.gone == {"Quotes", "QuoteSerializer"}
    assert found.after("shop/urls.py") == "urlpatterns = []\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[path('o/', Other), path('q/', Quotes.as_view())]", "[path('o/', Other)]"),
        (
            "[path('o/', Other), path('q/', Quotes.as_view()),\n    path('p/', Other)]",
            "[path('o/', Other),\n    path('p/', Other)]",
        ),
    ],
)
def test_what_stays_of_a_list_keeps_its_lines(retired, before, after):
    urls = "from shop.views import Other, Quotes\n\nurlpatterns = {}\n"
    found = retired({"shop/urls.py": urls.format(before)})
    assert found.after("shop/urls.py") == urls.replace("Other, Quotes", "Other").format(after)


def test_a_module_with_nothing_but_imports_for_types_is_empty(retired):
    views = """
        from typing import TYPE_CHECKING

        from shop.serializers import QuoteSerializer

        if TYPE_CHECKING:
            from shop.serializers import OtherSerializer


        class Quotes(APIView):
            serializer_class = QuoteSerializer
    """
    urls = "from shop.views import Quotes\n\nurlpatterns = [path('q/', Quotes.as_view())]\n"
    assert retired({"shop/views.py": views, "shop/urls.py": urls}).after("shop/views.py") is None


@pytest.mark.parametrize(
    "used", ["from shop import views\nprint(views)\n", "import shop.views as views\nprint(views)\n"]
)
def test_an_empty_module_that_is_imported_as_one_stays(retired, used):
    views = "class Quotes(APIView):\n    pass\n"
    urls = "from shop.views import Quotes\n\nurlpatterns = [path('q/', Quotes.as_view())]\n"
    found = retired({"shop/views.py": views, "shop/urls.py": urls, "shop/more.py": used})
    assert found.after("shop/views.py") == ""


def test_a_file_that_python_cant_read_is_passed_over(retired):
    found = retired({"shop/later.py": "def (:\n"})
    assert found.gone == {"Quotes", "QuoteSerializer"}
    assert found.after("shop/later.py") == "def (:\n"


def test_a_template_that_is_no_text_is_passed_over(tmp_path, settings):
    folder = tmp_path / "templates"
    folder.mkdir()
    settings.TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [folder]}]
    (folder / "logo.png").write_bytes(b"\x89PNG\xff")
    (folder / "page.html").write_text("{% url 'api-quotes' 1 %}")
    assert [one.path.name for one in read_templates(tmp_path)] == ["page.html"]
