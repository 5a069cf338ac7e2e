"""The rows that both sides write are compared, on every engine, however their statements are put."""

from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import IntegrityError, connections, transaction
from django.db.models import F
from django.utils import timezone
from psycopg import sql

from gateway.context.recording import Recorder, recorder
from gateway.context.sql_recorder import record_sql
from gateway.parity.compare import compare
from legacy.shop.models import Category, Order, OrderLine, Product
from tests.parity.answers import answer, rules
from tests.shield.test_databases import on_a_thread
from tests.support.databases import KINDS, empty_database, known_as

pytestmark = pytest.mark.table

User = get_user_model()
MODELS = (ContentType, Permission, Group, User, Category, Product, Order, OrderLine, Session)


@pytest.fixture(scope="module", params=KINDS)
def alias(request, tmp_path_factory, django_db_blocker):
    """A database with the shop's tables, a customer, two products and three orders."""
    record_sql()
    with django_db_blocker.unblock(), empty_database(request.param, tmp_path_factory.mktemp("rows")) as database:
        name = f"rows_{request.param}"
        known_as(name, database.settings)
        try:
            on_a_thread(lambda: fill(name))
            yield name
        finally:
            connections.settings.pop(name)


def fill(alias):
    with connections[alias].schema_editor() as editor:
        for model in MODELS:
            editor.create_model(model)
    ada = User.objects.using(alias).create(pk=1, username="ada", email="ada@example.com", password="!")
    shelf = Category.objects.using(alias).create(pk=1, name="Tea", slug="tea")
    for number in (1, 2):
        Product.objects.using(alias).create(
            pk=number, category=shelf, sku=f"T{number}", name=f"Tea {number}", slug=f"tea-{number}", price=2, stock=9
        )
    for number in (11, 12, 13):
        Order.objects.using(alias).create(pk=number, customer=ada, address="here", total=Decimal("1.50"))
    if (sequence := connections[alias].ops.sequence_reset_sql) is not None:
        from django.core.management.color import no_style

        with connections[alias].cursor() as cursor:
            for statement in sequence(no_style(), MODELS):
                cursor.execute(statement)


def wrote(alias, act):
    """What `act` writes, of which nothing stays."""

    def job():
        noting = Recorder()
        with transaction.atomic(using=alias):
            token = recorder.set(noting)
            try:
                act(alias)
            finally:
                recorder.reset(token)
            transaction.set_rollback(True, using=alias)
        return noting.rows()

    return on_a_thread(job)


@pytest.fixture
def differences(alias):
    """What is found between two acts: place, detail and severity of each."""

    def found(legacy, service, toml="", sent=b""):
        sides = [answer({}, rows=wrote(alias, act)) for act in (legacy, service)]
        comparison = compare(*sides, rules(toml), sent)
        assert comparison.errors == ()
        return [(one.pointer, one.detail, one.severity.value) for one in comparison.differences]

    return found


def orders(alias):
    return Order.objects.using(alias)


def nothing(_alias):
    pass


# -- the same, in another way ---------------------------------------------------------------------


def place(alias, first=1, second=2):
    """An order with two lines; keys and time are the database's and the clock's."""
    order = orders(alias).create(customer_id=1, address="there", total="4.00")
    for product in (first, second):
        OrderLine.objects.using(alias).create(order=order, product_id=product, name="Tea", unit_price=2, quantity=1)


def place_at_once(alias):
    order = Order(customer_id=1, address="there")
    order.save(using=alias)
    order.total = Decimal("4.0")
    order.save(using=alias)
    lines = [OrderLine(order=order, product_id=n, name="Tea", unit_price=Decimal(2), quantity=1) for n in (2, 1)]
    OrderLine.objects.using(alias).bulk_create(lines)


def pay_one_by_one(alias):
    for order in orders(alias).order_by("-pk"):
        order.status = "paid"
        order.save(update_fields=["status"])


def pay_by_keys(alias):
    orders(alias).filter(pk__in=[11, 12, 13]).update(status="paid")


def pay_in_bulk(alias):
    paid = [*orders(alias).all()]
    for order in paid:
        order.status = "paid"
    orders(alias).bulk_update(paid, ["status"])


def pay_by_hand(alias):
    with connections[alias].cursor() as cursor:
        cursor.executemany("UPDATE shop_order SET status = %s WHERE id = %s", [["paid", n] for n in (11, 12, 13)])


def pay_by_name(alias):
    with connections[alias].cursor() as cursor:
        for number in (11, 12, 13):
            cursor.execute("UPDATE shop_order SET status = 'paid' WHERE id = %(id)s", {"id": number})


def change_their_minds(alias):
    """What is taken back was never written."""
    place_at_once(alias)
    try:
        with transaction.atomic(using=alias):
            pay_by_keys(alias)
            orders(alias).create(pk=11, customer_id=1)
    except IntegrityError:
        pass
    orders(alias).filter(pk=orders(alias).create(customer_id=1).pk).delete()


def by_hand_savepoint(alias):
    point = transaction.savepoint(using=alias)
    pay_by_keys(alias)
    transaction.savepoint_rollback(point, using=alias)


def remove(alias):
    orders(alias).filter(pk__in=[11, 12]).delete()


def remove_one_by_one(alias):
    for number in (12, 11):
        orders(alias).get(pk=number).delete()


def log_in(alias):
    user = User.objects.using(alias).get(pk=1)
    user.set_password("sesame")
    user.last_login = timezone.now()
    user.save()


def expire(alias, after=timedelta(days=14)):
    User.objects.using(alias).filter(pk=1).update(last_login=timezone.now() + after)


def name_group(alias):
    Group.objects.using(alias).create(name=str(uuid.uuid4()))


def keep_session(alias):
    Session.objects.using(alias).create(session_key="k", session_data="d", expire_date=timezone.now())


@pytest.mark.parametrize(
    ("legacy", "service"),
    [
        (place, place),
        (place, place_at_once),
        (place_at_once, change_their_minds),
        (pay_one_by_one, pay_by_keys),
        (pay_by_keys, pay_in_bulk),
        (pay_in_bulk, pay_one_by_one),
        (pay_by_hand, pay_in_bulk),
        (pay_by_name, pay_by_hand),
        (nothing, by_hand_savepoint),
        (remove, remove_one_by_one),
        (log_in, log_in),
        (expire, expire),
        (name_group, name_group),
        (nothing, keep_session),  # which a mirror never does
    ],
)
def test_what_is_written_in_the_end_is_the_same(differences, legacy, service):
    assert differences(legacy, service) == []
    assert differences(service, legacy) == []


# -- what is not ----------------------------------------------------------------------------------


def set_to(**columns):
    return lambda alias: orders(alias).filter(pk=11).update(**columns)


def take(how_many):
    return lambda alias: Product.objects.using(alias).filter(pk=1).update(stock=F("stock") - how_many)


def expire_in(days):
    return lambda alias: expire(alias, timedelta(days=days))


def place_for(number):
    """A new order whose line belongs to it, or to another one."""

    def act(alias):
        new = orders(alias).create(customer_id=1, address="there")
        of = number or new.pk
        OrderLine.objects.using(alias).create(order_id=of, product_id=1, name="Tea", unit_price=2, quantity=1)

    return act


def hash_password(hasher):
    def act(alias):
        user = User.objects.using(alias).get(pk=1)
        user.password = make_password("sesame", hasher=hasher)
        user.save(update_fields=["password"])

    return act


ORDER, LINE, CHANGED = "row:shop_order", "row:shop_orderline", "has another value"
BOTH_PAID = set_to(status="paid", note="a")


@pytest.mark.parametrize(
    ("legacy", "service", "found"),
    [
        (pay_by_keys, nothing, [(ORDER, "updated only by legacy")] * 3),
        (nothing, remove, [(ORDER, "deleted only by the service")] * 2),
        (place, nothing, [(ORDER, "inserted only by legacy")] + [(LINE, "inserted only by legacy")] * 2),
        (set_to(status="paid"), set_to(status="new"), [(f"{ORDER}:status", CHANGED)]),
        (BOTH_PAID, set_to(status="paid"), [(f"{ORDER}:note", "is set only by legacy")]),
        (set_to(status="paid"), BOTH_PAID, [(f"{ORDER}:note", "is set only by the service")]),
        (BOTH_PAID, remove, [
            (ORDER, "updated by legacy, deleted by the service"), (ORDER, "deleted only by the service"),
        ]),
        (nothing, take(1), [("row:shop_product", "updated only by the service")]),
        (take(1), take(2), [("row:shop_product:stock", CHANGED)]),
        (expire_in(14), expire_in(7), [("row:accounts_user:last_login", CHANGED)]),
        (place_for(None), place_for(11), [(f"{LINE}:order_id", CHANGED)]),
        (place_for(11), place_for(12), [(f"{LINE}:order_id", CHANGED)]),
        (hash_password("pbkdf2_sha256"), hash_password("scrypt"), [("row:accounts_user:password", CHANGED)]),
    ],
)  # fmt: skip
def test_rows_and_columns_that_differ_are_breaking(differences, legacy, service, found):
    assert differences(legacy, service) == [(*one, "breaking") for one in found]


def test_of_many_new_rows_the_one_that_is_lost_is_found(differences):
    def create(alias, *notes):
        Order.objects.using(alias).bulk_create(Order(customer_id=1, address="a", note=note) for note in notes)

    assert differences(lambda alias: create(alias, *"abcd"), lambda alias: create(alias, *"dba")) == [
        (ORDER, "inserted only by legacy", "breaking")
    ]
    assert differences(lambda alias: create(alias, *"abcd"), lambda alias: create(alias, *"dbax")) == [
        (f"{ORDER}:note", CHANGED, "breaking")
    ]


def test_columns_that_save_writes_with_all_others_may_be_as_they_were(differences):
    def save(alias):
        order = orders(alias).get(pk=11)
        order.status = "paid"
        order.save()

    found = (ORDER, "saved with all its columns only by legacy", "warning")
    assert differences(save, set_to(status="paid")) == [found]
    assert differences(save, set_to(status="new")) == [(f"{ORDER}:status", CHANGED, "breaking"), found]


# -- by a condition -------------------------------------------------------------------------------

ANOTHER_WAY = (ORDER, "updated in another way", "note")


def pay_where(status="paid", **condition):
    return lambda alias: orders(alias).filter(**condition or {"customer_id": 1}).update(status=status)


def test_the_same_condition_is_the_same(differences):
    assert differences(pay_where(), pay_where()) == []


def test_a_condition_and_keys_for_as_many_rows_are_another_way(differences):
    assert differences(pay_where(), pay_by_keys) == [ANOTHER_WAY]
    assert differences(pay_one_by_one, pay_where(address="here")) == [ANOTHER_WAY]
    assert differences(pay_where(), pay_where(address="here")) == [ANOTHER_WAY]


def test_more_rows_or_other_values_are_none(differences):
    assert differences(pay_where(pk__in=[11, 12]), pay_where()) == [
        (ORDER, "more of them updated by the service", "breaking"), ANOTHER_WAY,
    ]  # fmt: skip
    assert (f"{ORDER}:status", CHANGED, "breaking") in differences(pay_where(), pay_where("new", address="here"))
    assert differences(pay_where(), pay_where("new")) == [(f"{ORDER}:status", CHANGED, "breaking")]


def test_what_holds_for_no_row_writes_nothing(differences):
    assert differences(nothing, pay_where(address="nowhere")) == []


def test_a_condition_on_a_row_that_was_just_made_is_the_same_though_its_key_is_not(differences):
    def act(alias):
        new = orders(alias).create(customer_id=1, address="there")
        line = OrderLine(order=new, product_id=1, name="Tea", unit_price=2, quantity=1)
        line.save(using=alias)
        new.lines.using(alias).update(quantity=2)

    assert differences(act, act) == []


# -- what can't be read, or is too much -----------------------------------------------------------


def by_hand(statement):
    def act(alias):
        with connections[alias].cursor() as cursor:
            cursor.execute(statement)

    return act


RAW = by_hand("INSERT INTO shop_orderline (order_id, product_id, name, unit_price, quantity) "
              "SELECT id, 1, 'Tea', 2, 1 FROM shop_order")  # fmt: skip


def test_what_cannot_be_read_is_compared_by_its_table(differences):
    assert differences(RAW, RAW) == []
    assert differences(RAW, nothing) == [(LINE, "written only by legacy", "breaking")]
    assert differences(RAW, place_for(11))[-1] == (LINE, "is written to by statements that can't be compared", "note")


def test_too_much_is_not_compared_and_said(differences):
    def create(alias):
        Group.objects.using(alias).bulk_create([Group(name=str(number)) for number in range(5000)], batch_size=400)

    assert differences(create, create) == [("row", "more is written than is compared", "note")]


def test_what_psycopg_composes_is_read(alias, differences):
    if connections[alias].vendor != "postgresql":
        return
    statement = sql.SQL("UPDATE {} SET status = 'paid' WHERE id IN (11, 12, 13)").format(sql.Identifier("shop_order"))
    assert differences(pay_by_hand, by_hand(statement)) == [ANOTHER_WAY]


# -- what was taken back --------------------------------------------------------------------------


def test_of_a_transaction_that_is_rolled_back_nothing_counts(alias):
    def job():
        token = recorder.set(noting := Recorder())
        try:
            orders(alias).filter(pk=11).update(note="")
            with transaction.atomic(using=alias):
                orders(alias).filter(pk=11).update(note="a")
                transaction.set_rollback(True, using=alias)
            with transaction.atomic(using=alias):
                orders(alias).filter(pk=11).update(note="")
        finally:
            recorder.reset(token)
        return noting.rows()

    assert [one.values[0] for one in on_a_thread(job).written] == ["", ""]


# -- rules ----------------------------------------------------------------------------------------


def test_tables_and_columns_can_be_left_out(differences):
    assert differences(pay_by_keys, nothing, 'ignore_rows = ["shop_*"]') == []
    assert differences(set_to(status="a"), set_to(status="b"), 'ignore_rows = ["shop_order.status"]') == []


def test_severities_can_be_set(differences):
    toml = 'severity = { "row row:shop_order:*" = "note" }'
    assert [severity for *_, severity in differences(set_to(note="a"), set_to(note="b"), toml)] == ["note"]
    assert [severity for *_, severity in differences(set_to(note="a"), nothing, toml)] == ["breaking"]


def test_a_uuid_that_the_caller_sent_is_not_made_anew(differences):
    sent = uuid.uuid4()

    def name(value):
        return lambda alias: Group.objects.using(alias).create(name=value)

    found = differences(name(str(sent)), name(str(uuid.uuid4())), sent=b'{"name": "%s"}' % sent.hex.encode())
    assert found == [("row:auth_group:name", CHANGED, "breaking")]
