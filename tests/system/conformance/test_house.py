"""The house: the files of every folder of a service have names of one vocabulary, who looks where is written down
and checked, and a transaction is opened at a door.

The words and their order are stated once, in the contracts `services` and `folders` of import-linter
(pyproject.toml); what is checked here is read from there.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from u2c.deployment.state import ROOT

CONTRACTS = {
    contract["id"]: contract
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
}
WORDS = set(re.findall(r"\w+", " ".join(CONTRACTS["folders"]["layers"])))
FOLDERS = {container.replace(".", "/") for container in CONTRACTS["folders"]["containers"]}
SERVICES = {container.replace(".", "/") for container in CONTRACTS["services"]["containers"]}
OF_A_SERVICE = set(re.findall(r"\w+", " ".join(CONTRACTS["services"]["layers"]))) | {"migrations"}
DOORS = {"api", "consumers", "jobs", "main"}

#: A folder of tests → the code whose folders those below it are called after. What needs the whole system, and the
#: cases from outside, are called after no code.
LAYOUT: dict[str, tuple[str, ...]] = {
    "shared": ("shared",),
    "services": ("services",),
    "cli": ("cli", "cli/u2c"),
    "system": (),
    "cases": (),
}

#: A stranger's word → where what it stands for belongs here.
INSTEAD = {
    "routes": "routes are api.py",
    "handlers": "what is heard from the bus comes in by consumers.py",
    "schedules": "what runs by itself is in jobs.py",
    "models": "what is stored is in rows.py, what is shown in answers.py, what is reasoned with in domain/",
    "schemas": "what is shown is in answers.py, what is taken in requests.py",
    "queries": "SQL is in repository.py",
    "gateway": "what is asked of others is in clients.py",
    "cache": "what a process remembers is in memory.py",
}
OTHERWISE = (
    "verbs go to usecases/<verb>.py, SQL to repository.py, what is asked of others to clients.py, rules without I/O "
    "to domain/, what the API shows to answers.py and what it takes to requests.py; routes are api.py, what is "
    "heard consumers.py, what runs by itself jobs.py"
)
A_FOLDER = "a new folder takes its place in the contracts `services` and `folders` of pyproject.toml"

#: Who opens transactions and is no door, each for a reason that lies in what it does.
OPENED_ELSEWHERE = {
    "services/usage_ingest/quarantine/usecases/walk_open.py": "a part at a time: a call on ten thousand events holds no "
    "snapshot while it publishes them",
    "services/usage_ingest/quarantine/usecases/resolve.py": "an event is published before it is marked resolved, "
    "and no transaction waits for the bus",
    "services/rating/clock/usecases.py": "one session's lock is held over all moves of the clock, each of which "
    "others must see at once",
    "services/rating/metering/fold/usecases/fold.py": "what is remembered of a fold is kept once it has "
    "committed, and forgotten otherwise",
    "services/rating/metering/fold/usecases/pass_fold.py": "waits for folds, of others too",
    "services/rating/statements/usecases/close_periods.py": "a chunk of statements is one transaction, behind a "
    "barrier that none is held across",
    "services/rating/statements/usecases/finish_due_work.py": "works off what is due chunk by chunk, and waits "
    "for what other workers have not committed yet",
    "services/rating/statements/usecases/fan_out.py": "what a look found is noted once it has committed",
    "services/rating/statements/usecases/pass_barrier.py": "waits until others have committed",
    "services/rating/statements/usecases/price_shown.py": "a page is priced chunk by chunk, and goes on when its "
    "answer was given",
    "services/rating/statements/usecases/price.py": "begins again in a new snapshot when another worker was first",
    "services/rating/statements/usecases/tell.py": "waits for the relay",
    "services/rating/statements/usecases/show_current.py": "no transaction is held while statements are priced",
    "services/billing/conservation/clients.py": "reads all schemas in one snapshot of the auditor's own "
    "connection; there is no effect to commit",
    "services/billing/conservation/usecases/make_checks.py": "what each of the five found is kept as it is there, and a "
    "check of everything takes minutes",
    "services/billing/finalization/usecases/finalize.py": "a run of one series is one transaction, and none is "
    "held while the gate is asked",
    "services/billing/tracing/usecases/trace.py": "no transaction is held while rating answers",
    "services/console/sessions/parameters.py": "who asks is found before a route is called, and the same for all",
    "services/signals/webhooks/usecases/send.py": "no transaction is held while a webhook is under way",
}

#: Verbs of a connection that is no unit of work of their service.
TAKE_A_CONNECTION = {
    "services/billing/conservation/usecases/check.py": "the auditor's, which reads all schemas",
    "services/billing/conservation/usecases/watch.py": "the auditor's, which reads all schemas",
    "services/billing/conservation/usecases/make_checks.py": "the auditor's, whose session is who makes checks",
    "services/billing/finalization/usecases/pass_published.py": "the restorer's, before any service runs",
}

#: Who puts SQL to the database and is neither repository nor check.
ASKED_ELSEWHERE = {
    "services/billing/conservation/clients.py": "the auditor's session: how much memory a check may take",
}


def strangers(root: Path) -> Iterator[str]:
    """What is wrong with the name of each file and folder that has none of the vocabulary."""
    for folder in sorted(FOLDERS | SERVICES):
        known = OF_A_SERVICE if folder in SERVICES else WORDS
        for path in sorted((root / folder).iterdir()):
            place = path.relative_to(root).as_posix()
            if not _holds_code(path) or path.stem in known or place in FOLDERS:
                continue
            yield f"{place}: `{path.stem}` is no word of this house; {_advice(path)}"


def _advice(path: Path) -> str:
    if any((path / f"{word}.py").exists() or (path / word).is_dir() for word in WORDS):
        return A_FOLDER
    return INSTEAD.get(path.stem, OTHERWISE)


def _holds_code(path: Path) -> bool:
    if path.is_dir():
        return any(path.rglob("*.py"))
    return path.suffix == ".py" and path.name != "__init__.py"


def opened(root: Path) -> Iterator[tuple[str, int]]:
    """(file, line) of each transaction or connection that is opened in a service outside its doors."""
    return calls(root, {"transaction", "acquire"}, DOORS)


def asked(root: Path) -> Iterator[tuple[str, int]]:
    """(file, line) of each statement that is put to the database outside repositories and checks."""
    methods = {"fetch", "fetchrow", "fetchval", "execute", "executemany", "cursor", "copy_records_to_table"}
    return calls(root, methods, {"repository", "checks"})


def calls(root: Path, methods: set[str], besides: set[str]) -> Iterator[tuple[str, int]]:
    """(file, line) of each call of one of these methods in a service, files and folders of these names left
    out."""
    for path in sorted((root / "services").rglob("*.py")):
        place = path.relative_to(root)
        if "migrations" in place.parts or besides & {*place.parts, path.stem}:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(func=ast.Attribute(attr=method), lineno=line) if method in methods:
                    yield place.as_posix(), line


def astray(root: Path) -> Iterator[str]:
    """Each folder of tests that is none of the layout, or is called after no folder of the code."""
    folders = {path.parent.relative_to(root / "tests") for path in (root / "tests").rglob("test_*.py")}
    for folder in sorted(folders):
        top, below = "".join(folder.parts[:1]), Path(*folder.parts[1:])
        if top not in LAYOUT:
            yield f"tests/{folder}: tests lie in {', '.join(LAYOUT)}"
        elif LAYOUT[top] and not any((root / code / below).is_dir() for code in LAYOUT[top]):
            yield f"tests/{folder}: there is no {' nor '.join(f'{code}/{below}' for code in LAYOUT[top])}"


def test_a_test_lies_where_what_it_tests_lies() -> None:
    assert list(astray(ROOT)) == []


def test_a_test_that_lies_elsewhere_is_found(tmp_path: Path) -> None:
    for path in ("services/rating/clock/usecases.py", *(f"tests/{place}/test_x.py" for place in PLACES)):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("")
    assert list(astray(tmp_path)) == [
        "tests/platform: tests lie in shared, services, cli, system, cases",
        "tests/services/rating/clocks: there is no services/rating/clocks",
    ]


#: Where tests are planted: two where they belong, two astray.
PLACES = ("services/rating/clock", "services/rating/clocks", "system/spine", "platform")


def test_every_file_of_a_service_is_called_by_what_it_holds() -> None:
    assert list(strangers(ROOT)) == []


def test_every_folder_of_a_service_is_under_the_rules() -> None:
    folders = {
        path.parent.relative_to(ROOT).as_posix()
        for service in SERVICES
        for word in WORDS
        for path in (*(ROOT / service).rglob(f"{word}.py"), *(ROOT / service).rglob(f"{word}/__init__.py"))
    }
    # domain/answers.py is a file of the domain
    inside = {folder for folder in folders if WORDS & {*Path(folder).parts[2:]}}
    assert folders - inside - SERVICES == FOLDERS


def test_a_stranger_is_told_which_word_to_use(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "services", tmp_path / "services", ignore=shutil.ignore_patterns("migrations"))
    (tmp_path / "services/rating/statements/helpers.py").write_text("")
    (tmp_path / "services/rating/statements/queries.py").write_text("")
    (tmp_path / "services/billing/dunning").mkdir()
    (tmp_path / "services/billing/dunning/api.py").write_text("")
    assert list(strangers(tmp_path)) == [
        f"services/billing/dunning: `dunning` is no word of this house; {A_FOLDER}",
        f"services/rating/statements/helpers.py: `helpers` is no word of this house; {OTHERWISE}",
        "services/rating/statements/queries.py: `queries` is no word of this house; SQL is in repository.py",
    ]


def test_architecture_shows_the_words_in_their_order() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    shown = re.findall(r"^\| [a-z, ]+ \| ((?:`\w+`(?: · )?)+) \| ", text, re.MULTILINE)
    assert [re.findall(r"\w+", row) for row in shown] == [
        re.findall(r"\w+", layer) for layer in CONTRACTS["folders"]["layers"]
    ]
    paragraph = re.search(r"^A service is a folder of nouns.*?\n\n", text, re.MULTILINE | re.DOTALL)
    nouns = {Path(folder).parts[2] for folder in FOLDERS}
    assert paragraph and OF_A_SERVICE - nouns == set(re.findall(r"`(\w+)(?:\.py|/)`", paragraph[0]))


def test_a_transaction_is_opened_at_a_door_or_says_why_not() -> None:
    found = list(opened(ROOT))
    assert [f"{file}:{line}" for file, line in found if file not in OPENED_ELSEWHERE] == []
    assert {file for file, _ in found} == OPENED_ELSEWHERE.keys(), "who no longer opens one needs no reason"


def test_a_verb_takes_a_unit_of_work_and_no_bare_connection() -> None:
    bare = set()
    for path in (ROOT / "services").rglob("*.py"):
        if "usecases" in path.with_suffix("").parts and "asyncpg.Connection" in path.read_text():
            bare.add(path.relative_to(ROOT).as_posix())
    assert bare == TAKE_A_CONNECTION.keys()


def test_sql_stands_in_repositories_and_checks() -> None:
    assert [f"{file}:{line}" for file, line in asked(ROOT) if file not in ASKED_ELSEWHERE] == []
    assert {file for file, _ in asked(ROOT)} == ASKED_ELSEWHERE.keys()


def test_a_verb_that_opens_a_transaction_is_found(tmp_path: Path) -> None:
    verb = tmp_path / "services/billing/documents/usecases/void.py"
    verb.parent.mkdir(parents=True)
    verb.write_text("async def void(db):\n    async with db.transaction() as uow:\n        ...\n")
    shutil.copy(verb, verb.parents[1] / "jobs.py")
    assert list(opened(tmp_path)) == [("services/billing/documents/usecases/void.py", 2)]


#: What is planted in a copy → the contract that must not hold then.
PLANTED = (
    ("services/billing/helpers.py", "", "services"),
    ("services/billing/journal/helpers.py", "", "folders"),
    ("services/billing/journal/rows.py", "import services.billing.journal.repository", "folders"),
    ("services/billing/journal/usecases.py", "import services.billing.documents.jobs", "doors-above"),
    ("services/billing/tracing/repository.py", "import services.billing.journal.usecases", "verbs-above"),
    ("services/billing/journal/api.py", "import services.billing.tracing.repository", "doors-no-sql"),
    ("services/billing/finalization/domain/numbering.py", "import asyncpg", "pure-domain"),
    ("services/billing/conservation/checks/worth.py", "import shared.pricing.pipeline", "conservation"),
    ("cli/u2c/instant.py", "import lab.departures.year", "layers"),
)


def test_each_contract_is_broken_by_what_it_forbids(tmp_path: Path) -> None:
    for folder in ("services", "shared", "cli/u2c", "cli/lab"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for place, planted, _ in PLANTED:
        path = tmp_path / place
        path.write_text((path.read_text() if path.exists() else "") + f"\n{planted}\n")
    checked = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache", "--verbose"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{tmp_path / 'cli'}", "COLUMNS": "400"},
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 1, checked.stdout[-2000:] + checked.stderr[-2000:]
    broken = {key for key, contract in CONTRACTS.items() if f"{contract['name']} BROKEN" in checked.stdout}
    assert broken == {contract for _, _, contract in PLANTED}
