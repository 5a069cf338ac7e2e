"""What a rollback doesn't take back, a mirror can't have: statements that commit, and what outlives a transaction."""

from __future__ import annotations

import pytest
from django.db import connections, transaction
from psycopg import sql

from gateway.context.mirror_scope import MirrorScope, NotShielded, mirror_scope
from gateway.context.recording import Recorder, recorder
from gateway.context.sql_recorder import record_sql
from gateway.shield import shield
from gateway.shield.statements import lasting
from tests.shield.test_databases import mirrored, on_a_thread, run
from tests.support.databases import KINDS, empty_database, known_as

LASTING = {
    "postgresql": [
        "COMMIT",
        "INSERT INTO t VALUES (1); COMMIT",
        "/* by hand */ ROLLBACK",
        "PREPARE TRANSACTION 'x'",
        "PREPARE p AS SELECT 1",
        "DISCARD PLANS",
        "LOAD 'auto_explain'",
        "COPY t TO '/tmp/t'",
        "COPY t FROM PROGRAM 'cat'",
        "SELECT setval('t_id_seq', 1)",
        "SELECT setval(pg_get_serial_sequence('\"t\"','id'), 1)",
        "SELECT dblink_exec('dbname=x', 'DELETE FROM t')",
        "SELECT pg_terminate_backend(1)",
        "SELECT pg_try_advisory_lock(1)",
        "SELECT pg_try_advisory_xact_lock(1)",
        "SELECT * FROM t FOR UPDATE NOWAIT",
        "SELECT * FROM t FOR NO KEY UPDATE OF t SKIP  LOCKED",
        "LOCK TABLE t IN EXCLUSIVE MODE NOWAIT",
    ],
    "mysql": [
        "CREATE TABLE t (id INTEGER)",
        "create temporary table t (id integer)",
        "ALTER TABLE t ADD x INTEGER",
        "DROP TABLE t",
        "TRUNCATE TABLE t",
        "TRUNCATE t",
        "RENAME TABLE t TO u",
        "LOCK TABLES t WRITE",
        "UNLOCK TABLES",
        "GRANT ALL ON x.* TO y",
        "ANALYZE TABLE t",
        "OPTIMIZE TABLE t",
        "FLUSH TABLES",
        "START TRANSACTION",
        "BEGIN",
        "COMMIT",
        "SET autocommit = 1",
        "SET PASSWORD = 'x'",
        "SET GLOBAL max_connections = 1",
        "SET @@GLOBAL.max_connections = 1",
        "CALL procedure_that_may_commit()",
        "PREPARE p FROM 'DROP TABLE t'",
        "EXECUTE IMMEDIATE 'DROP TABLE t'",
        "SELECT 1; DROP TABLE t",
        "# a comment\nDROP TABLE t",
        "/*!50000 DROP TABLE t */",
        "SELECT 1 /*! INTO OUTFILE 'x' */",
        "SELECT * FROM t INTO OUTFILE '/tmp/t'",
        "SELECT GET_LOCK('x', 1)",
        "SELECT SETVAL(s, 1)",
        "SELECT * FROM t FOR UPDATE SKIP LOCKED",
        "USE other",
    ],
    "sqlite": [
        "COMMIT",
        "END",
        "ATTACH 'other' AS other",
        "PRAGMA journal_mode = wal",
        "SELECT load_extension('x')",
    ],
}
ROLLED_BACK = {
    "postgresql": [
        "SAVEPOINT s1",
        "ROLLBACK TO SAVEPOINT s1",
        "RELEASE SAVEPOINT s1",
        "CREATE TEMPORARY TABLE t (id INTEGER)",
        "TRUNCATE t RESTART IDENTITY",
        "SET statement_timeout = 0",
        "NOTIFY news",
        "DO $$ BEGIN COMMIT; END $$",
        "DO $body$ BEGIN EXECUTE 'COMMIT;'; END $body$",
        "COPY t TO STDOUT",
        "COPY t FROM STDIN",
        "SELECT 'a; COMMIT'",
        "SELECT E'it\\'s; COMMIT'",
        "SELECT 1 -- ; COMMIT",
        'SELECT "end" FROM t',
        "SELECT pg_advisory_xact_lock(1)",
        "SELECT pg_advisory_lock(1)",
        "SELECT * FROM t FOR UPDATE",
        "SELECT nextval('t_id_seq')",
        "CREATE INDEX ON t (id)",
    ],
    "mysql": [
        "SELECT 1",
        "(SELECT 1) UNION (SELECT 2)",
        "WITH t AS (SELECT 1) SELECT * FROM t",
        "INSERT INTO t VALUES ('; DROP TABLE t')",
        "INSERT INTO t VALUES ('it\\'s; COMMIT')",
        "REPLACE INTO t VALUES (1)",
        "UPDATE `drop` SET x = 1",
        "DELETE FROM t",
        "SAVEPOINT `s1`",
        "ROLLBACK TO SAVEPOINT `s1`",
        "RELEASE SAVEPOINT `s1`",
        "SET SESSION sql_mode = ''",
        "SET foreign_key_checks=0",
        "SHOW TABLES",
        "SELECT /*+ NO_ICP(t) */ 1",
    ],
    "sqlite": ["SELECT 1", "PRAGMA table_info(t)", 'SAVEPOINT "s1"', "DROP TABLE t", 'SELECT [end] FROM "commit"'],
}


def pairs(table):
    return [(vendor, statement) for vendor, statements in table.items() for statement in statements]


@pytest.mark.parametrize(("vendor", "statement"), pairs(LASTING))
def test_what_stays_is_known_by_its_words(vendor, statement):
    what, why = lasting(statement, vendor)
    assert what.split()[0].rstrip("()").upper() in statement.upper()
    assert why


@pytest.mark.parametrize(("vendor", "statement"), pairs(ROLLED_BACK))
def test_what_is_rolled_back_is_let_through(vendor, statement):
    assert lasting(statement, vendor) is None


def test_a_database_that_is_no_callers_has_no_callers_to_notice_a_lock():
    assert lasting("SELECT * FROM t FOR UPDATE SKIP LOCKED", "postgresql", own=True) is None
    assert lasting("COMMIT", "postgresql", own=True)[0] == "COMMIT as a statement"


# -- in databases ---------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=KINDS)
def alias(request, tmp_path_factory, django_db_blocker):
    record_sql()
    with django_db_blocker.unblock(), empty_database(request.param, tmp_path_factory.mktemp("stated")) as database:
        name = f"stated_{request.param}"
        known_as(name, database.settings)
        kept = " ENGINE=MyISAM" if request.param == "mariadb" else ""
        tables = ("CREATE TABLE thing (id INTEGER PRIMARY KEY)", f"CREATE TABLE kept (id INTEGER PRIMARY KEY){kept}")
        on_a_thread(lambda: run(name, *tables))
        shield()  # what has been imported by now
        yield name
        connections.settings.pop(name)


@pytest.fixture(autouse=True)
def empty(request):
    if "alias" in request.fixturenames:
        on_a_thread(lambda: run(request.getfixturevalue("alias"), "DELETE FROM thing"))


def count(alias):
    return on_a_thread(lambda: run(alias, "SELECT COUNT(*) FROM thing"))[0][0]


def by_script(alias):
    with connections[alias].cursor() as cursor:
        cursor.executescript("INSERT INTO thing VALUES (2)")


def by_procedure(alias):
    with connections[alias].cursor() as cursor:
        cursor.callproc("anything")


def by_driver(alias):
    connections[alias].connection.commit()


COMMITTING = {
    "stated_postgres": [lambda alias: run(alias, "COMMIT"), by_driver],
    "stated_mariadb": [lambda alias: run(alias, "CREATE TABLE other (id INTEGER)"), by_driver, by_procedure],
    "stated_sqlite": [lambda alias: run(alias, "COMMIT"), by_script],
}


def test_what_would_commit_is_refused_and_what_was_written_before_it_is_rolled_back(alias):
    for commits in COMMITTING[alias]:

        def work(commits=commits):
            run(alias, "INSERT INTO thing VALUES (1)")
            with pytest.raises(NotShielded):
                commits(alias)

        scope, _, _ = mirrored(alias, work)
        assert scope.refusal
        assert count(alias) == 0


def test_it_is_refused_in_a_block_of_the_projects_too(alias):
    def work():
        with transaction.atomic(using=alias):
            run(alias, "INSERT INTO thing VALUES (1)")
            with pytest.raises(NotShielded):
                run(alias, "COMMIT")

    mirrored(alias, work)
    assert count(alias) == 0


def test_callers_execute_whatever_they_like(alias):
    script = by_script if alias == "stated_sqlite" else lambda alias: run(alias, "INSERT INTO thing VALUES (2)")
    on_a_thread(lambda: (run(alias, "CREATE TABLE other (id INTEGER)", "DROP TABLE other"), script(alias)))
    assert count(alias) == 1


@pytest.mark.parametrize("alias", ["mariadb"], indirect=True)
def test_a_table_whose_engine_has_no_transactions_is_not_written_to(alias):
    def work():
        with pytest.raises(NotShielded):
            run(alias, "INSERT INTO kept VALUES (1)")
        return run(alias, "SELECT COUNT(*) FROM kept")[0][0]

    scope, found, _ = mirrored(alias, work)
    assert (found, scope.refusal) == (0, "writes to kept, whose engine has no transactions")


@pytest.mark.parametrize("alias", ["postgres"], indirect=True)
def test_locks_that_a_session_keeps_are_given_back_with_the_transaction(alias):
    held = "SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory'"

    def work():
        run(alias, "SELECT pg_advisory_lock(1), pg_advisory_lock_shared(2)")
        return run(alias, held)[0][0]

    _, during, after = mirrored(alias, work, then=lambda: run(alias, held)[0][0])
    assert (during, after) == (2, 0)


@pytest.mark.parametrize("alias", ["postgres"], indirect=True)
def test_statements_that_psycopg_composes_are_looked_at_and_noted_too(alias):
    scope, noted = MirrorScope(), Recorder()

    def job():
        recorder.set(noted)
        with mirror_scope(scope):
            with connections[alias].cursor() as cursor:
                cursor.execute(sql.SQL("SELECT {}").format(sql.Literal("; COMMIT")))
                with pytest.raises(NotShielded):
                    cursor.execute(sql.SQL("SELECT 1; {}").format(sql.SQL("COMMIT")))
            scope.end_here()

    on_a_thread(job)
    assert scope.refusal.startswith("COMMIT as a statement")
    assert noted.sql().statements == ("SELECT '; COMMIT'",)
