"""A whole deployment on this machine: the database, the four services and the console as OS processes, their keys. For `up`,
`demo`, tests, chaos and bench."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Literal, Self

import asyncpg
import httpx2

from shared.bus.faults import WrongCluster
from shared.bus.kafka_access import OURS
from shared.environment_fault import EnvironmentFault
from shared.postgres.embedded import EmbeddedPostgres
from shared.postgres.migrations import prepare
from shared.postgres.server_settings import ServerSettings
from shared.postgres.setup import CONSOLE, PROCESSES, SERVICES, connect, drop_database
from shared.postgres.urls import role_url, without_password
from u2c.deployment import running
from u2c.deployment.kafka_users import admit_users, kafka_access
from u2c.deployment.keys import ensure_keys, wait_until_known
from u2c.deployment.ports import first_free_ports, require_free
from u2c.deployment.process import ServiceProcess
from u2c.deployment.secrets import secrets_of
from u2c.deployment.services import ADMIN_KEY, KEY_SCOPES, ROLE_KEYS, URL_VARIABLES
from u2c.deployment.state import State

READY_TIMEOUT_S = 90.0
READY_POLL_S = 0.1
#: So often it may fail before we stop waiting for it.
STARTS_BEFORE_READY_MAX = 3
BACKOFF_FIRST_S, BACKOFF_MAX_S = 0.2, 5.0
SERVER_CHECK_S = 0.5
#: A process that lived this long has earned a fresh back-off.
QUIET_LIFE_S = 30.0


@dataclass(frozen=True)
class ClusterOptions:
    """What to start and where. The default is what `u2c up` does on an untouched clone."""

    state: State = field(default_factory=State.default)
    database: str = "u2c"  # name of the database on the server
    fresh: bool = False  # drop that database first
    #: An administrator's URL of a server; None: the embedded one.
    admin_url: str | None = None
    server: ServerSettings = field(default_factory=ServerSettings)
    bus: Literal["postgres", "kafka"] = "postgres"
    kafka_brokers: str = "127.0.0.1:9092"
    host: str = "127.0.0.1"
    base_port: int = 8101  # five ports from here; 0: any free ones
    #: What of PROCESSES runs: nobody waits for the console.
    services: tuple[str, ...] = SERVICES
    # more variables by service name; "*": every service
    environment: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    clock_at: datetime | None = None  # where the business clock of a fresh database starts
    restart: bool = True  # start again what dies, the embedded server too
    #: So long a service that dies again and again is waited with at most.
    backoff_max_s: float = BACKOFF_MAX_S
    report: Callable[[str], None] = lambda _line: None  # hears what dies and what is started again


@dataclass
class Cluster:
    """`async with Cluster(options) as cluster`: everything runs and answers /readyz inside the block, nothing
    is left after it."""

    options: ClusterOptions = field(default_factory=ClusterOptions)
    urls: dict[str, str] = field(default_factory=dict)  # service → http://127.0.0.1:8101
    database_url: str = ""  # the administrator's URL of this deployment's database
    admin_key: str = ""  # an API key with the scope admin
    processes: dict[str, ServiceProcess] = field(default_factory=dict)
    postgres: EmbeddedPostgres | None = None  # the embedded server, when it is one
    _watchers: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _began: float = field(default_factory=lambda: running.began(os.getpid()))

    async def start(self) -> None:
        """Start the server, migrate, create the keys, start the services, and return when all are ready."""
        try:
            await self._start_database()
            self._place_services()
            await self.start_services()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End every process, services first. Within 10 s, and by its own pid each."""
        running.forget(self.options.state, self.options.database)
        await asyncio.gather(*(self._unwatch(name) for name in list(self._watchers)))
        await asyncio.gather(*(process.stop() for process in self.processes.values()))
        if self.postgres is not None:
            await asyncio.to_thread(self.postgres.stop)

    def kill(self, name: str) -> None:
        """`kill -9` a service. With `options.restart` it comes back by itself; otherwise call `restart`."""
        self.processes[name].kill()

    def pause(self, name: str) -> None:
        """SIGSTOP: a service that sleeps and wakes up as a zombie."""
        self.processes[name].signal(signal.SIGSTOP)

    def resume(self, name: str) -> None:
        self.processes[name].signal(signal.SIGCONT)

    async def restart(self, name: str, environment: Mapping[str, str] | None = None) -> None:
        """Stop a service if it runs, start it with these variables on top of its usual ones, and wait until
        it is ready."""
        process = self.processes[name]
        await self._unwatch(name)
        await process.stop()
        process.environment = {**self._environment(process.service, name), **(environment or {})}
        await self._start(process)
        await self.wait_ready(name)

    async def add(self, service: str, environment: Mapping[str, str] | None = None) -> str:
        """Start one more instance of a service on a free port; return its name. `urls` keeps the first
        one."""
        number = sum(process.service == service for process in self.processes.values()) + 1
        name = f"{service}-{number}"
        self.urls[name] = f"http://{self.options.host}:{first_free_ports(1)[0]}"
        await self._start(self._process(name, service, environment or {}))
        await self.wait_ready(name)
        return name

    async def start_services(self) -> None:
        """Start every service that does not run, and wait until all are ready and know the keys (which
        usage_ingest tells them)."""
        for process in self.processes.values():
            if not process.alive:
                await self._start(process)
        await asyncio.gather(*(self.wait_ready(name) for name in self.processes))
        if "usage_ingest" in self.processes:
            await asyncio.gather(
                *(
                    wait_until_known(self.urls[name], self._keys.values())
                    for name, process in self.processes.items()
                    if process.service in SERVICES
                )
            )

    async def wait_ready(self, name: str, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Return when /readyz of this service answers 200; EnvironmentFault with the end of its log
        otherwise."""
        deadline = time.monotonic() + timeout_s
        process, told = self.processes[name], "no answer"
        starts_max = process.starts + STARTS_BEFORE_READY_MAX
        async with httpx2.AsyncClient(trust_env=False, timeout=5) as client:
            while time.monotonic() < deadline:
                if (not process.alive and not self.options.restart) or process.starts >= starts_max:
                    break
                try:
                    answer = await client.get(f"{self.urls[name]}/readyz")
                    if answer.status_code == 200:
                        return
                    told = answer.text
                except httpx2.HTTPError as error:
                    told = repr(error)
                await asyncio.sleep(READY_POLL_S)
        raise EnvironmentFault(f"{name} is not ready: {told}\n{process.last_words()}", f"Read {process.log}")

    def role_url(self, role: str) -> str:
        """The database URL of a service's role, or of `u2c_auditor` (reads everything)."""
        return role_url(self.database_url, role, self.options.state.secret())

    def pids(self) -> dict[str, int]:
        """Name → process id of what runs now, `postgres` (the postmaster) included when it is ours."""
        found = {name: process.pid for name, process in self.processes.items() if process.alive}
        server = self.postgres.running() if self.postgres is not None else None
        return {**found, **({"postgres": server.pid} if server else {})}

    async def kill_postgres(self) -> None:
        """`kill -9` the embedded server. With `options.restart` it comes back by itself on the same port."""
        assert self.postgres is not None, "the server is not ours to kill"
        await asyncio.to_thread(self.postgres.kill)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _start_database(self) -> None:
        options, secret = self.options, self.options.state.secret()
        admin_url = options.admin_url
        if admin_url is None:
            self.postgres = EmbeddedPostgres(options.state.folder, options.server)
            admin_url = (await asyncio.to_thread(self.postgres.start)).admin_url
            if options.restart:
                self._watchers["postgres"] = asyncio.create_task(
                    self._watch_server(self.postgres), name="postgres-watcher"
                )
        if options.fresh:
            await drop_database(admin_url, options.database)
        self.database_url = await prepare(admin_url, options.database, secret)
        await require_bus(self.database_url, options.bus)
        if options.bus == "kafka":
            await admit_users(kafka_access(options.kafka_brokers), secret)
        if options.clock_at is not None:
            await set_first_clock(self.database_url, options.clock_at)
        self._keys = await ensure_keys(options.state, options.database, self.database_url, self._first_keys())
        self.admin_key = self._keys[ADMIN_KEY]

    def _first_keys(self) -> list[str]:
        """Those that what runs here needs: the console's only with it."""
        return [name for name in KEY_SCOPES if name not in ROLE_KEYS or CONSOLE in self.options.services]

    def _place_services(self) -> None:
        options = self.options
        ports = (
            first_free_ports(len(PROCESSES))
            if options.base_port == 0
            else list(range(options.base_port, options.base_port + len(PROCESSES)))
        )
        placed = dict(zip(PROCESSES, ports, strict=True))
        self.urls = {
            process: f"http://{options.host}:{port}"
            for process, port in placed.items()
            if process in (*SERVICES, *options.services)
        }
        require_free(options.host, [placed[process] for process in options.services])
        for service in options.services:
            self._process(service, service, {})

    def _process(self, name: str, service: str, more: Mapping[str, str]) -> ServiceProcess:
        log = self.options.state.logs() / f"{name}.log"
        self.processes[name] = ServiceProcess(
            name, service, {**self._environment(service, name), **more}, log
        )
        return self.processes[name]

    def _environment(self, service: str, name: str) -> dict[str, str]:
        options = self.options
        return {
            **secrets_of(service, self.database_url, options.state.secret(), self._keys),
            **({"U2C_DATA_FOLDER": str(self.postgres.data_folder)} if self.postgres is not None else {}),
            "U2C_BUS": options.bus,
            "U2C_KAFKA_BROKERS": options.kafka_brokers,
            # the administrator's, in the variables of this process, may be another
            "U2C_KAFKA_SASL_MECHANISM": OURS,
            "U2C_HOST": options.host,
            "U2C_PORT": self.urls[name].rpartition(":")[2],
            **{variable: self.urls[other] for other, variable in URL_VARIABLES.items()},
            **options.environment.get("*", {}),
            **options.environment.get(service, {}),
        }

    async def _start(self, process: ServiceProcess) -> None:
        await process.start()
        self._say_where()
        self._watch(process)

    def _say_where(self) -> None:
        """Tell the other verbs of this clone where the services answer, and by which processes."""
        options = self.options
        running.keep(
            options.state,
            running.Running(
                options.database,
                os.getpid(),
                self._began,
                self.urls,
                self.pids(),
                without_password(self.database_url),
                str(options.state.logs()),
                options.bus,
            ),
        )

    def _watch(self, process: ServiceProcess) -> None:
        if self.options.restart:
            self._watchers[process.name] = asyncio.create_task(
                self._revive(process), name=f"{process.name}-watcher"
            )

    async def _unwatch(self, name: str) -> None:
        watcher = self._watchers.pop(name, None)
        if watcher is not None:
            watcher.cancel()
            await asyncio.gather(watcher, return_exceptions=True)

    async def _revive(self, process: ServiceProcess) -> None:
        """Start a service again whenever it ends without being asked to, waiting longer each time it fails at
        once."""
        backoff_max_s = self.options.backoff_max_s
        backoff_s = first_s = min(BACKOFF_FIRST_S, backoff_max_s)
        while True:
            began = time.monotonic()
            code = await process.ended()
            backoff_s = first_s if time.monotonic() - began > QUIET_LIFE_S else backoff_s
            self.options.report(
                f"{process.name} ended with {code}; starting it again in {backoff_s:.1f} s (log: {process.log})"
            )
            await asyncio.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, backoff_max_s)
            await process.start()
            self._say_where()

    async def _watch_server(self, server: EmbeddedPostgres) -> None:
        """Start the embedded server again when it is gone, whoever had started it. What is in the way is said
        once, and tried again."""
        said = ""
        while True:
            await asyncio.sleep(SERVER_CHECK_S)
            try:
                if await asyncio.to_thread(server.running) is None:
                    if not said:
                        self.options.report("postgres ended; starting it again")
                    await _to_its_end(server.start)
                said = ""
            except EnvironmentFault as fault:
                if str(fault) != said:
                    self.options.report(str(fault))
                said = str(fault)


async def _to_its_end(start: Callable[[], object]) -> None:
    """Run a start in a thread. A cancellation waits for its end: a thread goes on regardless, and would start
    what was just stopped."""
    running = asyncio.ensure_future(asyncio.to_thread(start))
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise


async def require_bus(database_url: str, kind: str) -> None:
    """EnvironmentFault when the book's positions belong to a bus of another kind: every service would fail on
    it, and again and again."""
    connection: asyncpg.Connection = await connect(database_url)
    try:
        known = await connection.fetchrow("select kind, cluster_id from bus.cluster")
    finally:
        await connection.close()
    if known is not None and known["kind"] != kind:
        remedy = f"Go on with --bus {known['kind']}, or start on a database of its own: --database NAME"
        raise EnvironmentFault(str(WrongCluster(f"{known['kind']}:{known['cluster_id']}", kind)), remedy)


async def set_first_clock(database_url: str, instant: datetime) -> None:
    """Start the business clock of a fresh deployment at `instant`; a clock that was moved before stays where
    it is."""
    connection: asyncpg.Connection = await connect(database_url)
    try:
        await connection.execute(
            "update clock.business set moved_to = $1, revision = revision + 1, set_at = clock_timestamp() where moved_to is null",
            instant,
        )
    finally:
        await connection.close()
