"""A real Apache Kafka broker without Docker: fetched by Maven once, run in KRaft mode on free ports, never
left behind."""

import base64
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from uuid import uuid4

from shared.environment_fault import EnvironmentFault
from u2c.deployment.ports import taken
from u2c.deployment.state import ROOT, State

DEPLOY = ROOT / "deploy" / "kafka"
JVM = (
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
)
JAVA_MIN = 17
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 20.0
MAVEN_TIMEOUT_S = 600.0
POLL_S = 0.05


def libraries_folder() -> Path:
    """Where the broker's jars lie: `kafka/` of the state folder."""
    return State.default().folder / "kafka"


def missing() -> str | None:
    """Why a broker cannot run here, with the remedy; None when it can."""
    java = shutil.which("java")
    if java is None:
        return "no Java: install a Java 17 or newer runtime (Debian: apt-get install openjdk-17-jre-headless)"
    version = subprocess.run([java, "-version"], check=False, capture_output=True, text=True).stderr
    digits = version.partition('"')[2].partition(".")[0].partition('"')[0]
    if not digits.isdigit() or int(digits) < JAVA_MIN:
        return f"Java {digits or 'of an unknown version'} is too old: install Java {JAVA_MIN} or newer"
    if not any(libraries_folder().glob("kafka_*.jar")) and shutil.which("mvn") is None:
        return "no Maven, which fetches the broker once: install it (Debian: apt-get install maven)"
    return None


def install() -> Path:
    """Fetch the broker's 44 jars (43 MB) unless they are there; return their folder. EnvironmentFault names
    what is missing."""
    fault, libraries = missing(), libraries_folder()
    if fault is not None:
        raise EnvironmentFault("Kafka cannot run here.", fault)
    if any(libraries.glob("kafka_*.jar")):
        return libraries
    aside = libraries.with_name(f"kafka.{uuid4().hex[:8]}")
    done = subprocess.run(
        [
            "mvn",
            "-q",
            "-B",
            "-f",
            str(DEPLOY / "pom.xml"),
            "dependency:copy-dependencies",
            f"-DoutputDirectory={aside}",
            "-DincludeScope=runtime",
        ],
        check=False,
        capture_output=True,
        text=True,
        timeout=MAVEN_TIMEOUT_S,
    )
    if done.returncode != 0:
        shutil.rmtree(aside, ignore_errors=True)
        said = (done.stdout + done.stderr).strip()[-1500:]
        raise EnvironmentFault(
            f"Maven could not fetch Kafka: {said}", "Check the network and ~/.m2/settings.xml."
        )
    try:
        aside.rename(libraries)
    except OSError:  # another command was faster
        shutil.rmtree(aside)
    return libraries


class KafkaBroker:
    """One broker with its data in `folder`. Its ports stay the same over kills and starts; it ends when this
    process does."""

    def __init__(self, folder: Path, port: int = 0, properties: Path = DEPLOY / "server.properties") -> None:
        self.folder = folder.resolve()
        self.port = port
        self.template = properties
        self._process: subprocess.Popen[bytes] | None = None
        self._keeper: subprocess.Popen[bytes] | None = None

    @property
    def brokers(self) -> str:
        """The bootstrap address."""
        assert self.port, "start() the broker first"
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None, "the broker does not run"
        return self._process.pid

    @property
    def log(self) -> Path:
        return self.folder / "broker.log"

    def start(self) -> str:
        """Start the broker, formatting its folder the first time; return the bootstrap address when it takes
        connections."""
        assert not self.running(), "the broker runs already"
        self._libraries = install()
        if not self._properties.exists():
            self._format()
        self._read_port()
        if taken("127.0.0.1", [self.port]):
            raise EnvironmentFault(
                f"Port {self.port} on 127.0.0.1 is in use: another broker may be running.",
                "Stop it, or start this one elsewhere, with a folder of its own: ./u2c kafka --port 0 --data DIR",
            )
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._java("kafka.Kafka", str(self._properties)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
            )
        self._keep(self._process.pid)
        self._wait_ready()
        return self.brokers

    def kill(self) -> None:
        """kill -9."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end; kill it when it does not."""
        self._end(signal.SIGTERM)

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def _properties(self) -> Path:
        return self.folder / "server.properties"

    def _format(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        text = self.template.read_text()
        for name, value in (
            ("port", self.port or _free_port()),
            ("controller_port", _free_port()),
            ("data", self.folder / "data"),
        ):
            text = text.replace(f"{{{name}}}", str(value))
        aside = self._properties.with_suffix(".new")
        aside.write_text(text)
        cluster_id = base64.urlsafe_b64encode(uuid4().bytes).decode().rstrip("=")
        format_it = self._java(
            "kafka.tools.StorageTool",
            "format",
            "--ignore-formatted",
            f"--cluster-id={cluster_id}",
            "-c",
            str(aside),
        )
        done = subprocess.run(format_it, check=False, capture_output=True, text=True)
        if done.returncode != 0:
            raise EnvironmentFault(
                f"Kafka could not format {self.folder}: {(done.stdout + done.stderr).strip()[-1500:]}",
                f"rm -r {self.folder}",
            )
        aside.rename(self._properties)

    def _read_port(self) -> None:
        for line in self._properties.read_text().splitlines():
            if line.startswith("advertised.listeners="):
                self.port = int(line.rpartition(":")[2])

    def _java(self, *arguments: str) -> list[str]:
        return ["java", *JVM, "-cp", f"{self._libraries}/*", *arguments]

    def _wait_ready(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise EnvironmentFault(f"Kafka ended at once: {self._last_words()}", f"Read {self.log}.")
            with socket.socket() as probe:
                probe.settimeout(1)
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(POLL_S)
        raise EnvironmentFault(
            f"Kafka was not ready after {START_TIMEOUT_S:.0f} s: {self._last_words()}", f"Read {self.log}."
        )

    def _keep(self, pid: int) -> None:
        """A shell that waits for the end of a pipe only we hold: however this process dies, the broker ends
        too."""
        self._keeper = subprocess.Popen(
            ["/bin/sh", "-c", "read _; kill -9 $0", str(pid)],
            stdin=subprocess.PIPE,
            cwd="/",
            start_new_session=True,
        )

    def _end(self, number: int) -> None:
        if self._process is not None and self._process.poll() is None:
            os.kill(self._process.pid, number)
        if self._process is not None:
            try:
                self._process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._keeper is not None:
            self._keeper.kill()
            self._keeper.wait()
            assert self._keeper.stdin is not None
            self._keeper.stdin.close()
        self._process = self._keeper = None

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return " | ".join(lines[-5:]) or "it said nothing"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
