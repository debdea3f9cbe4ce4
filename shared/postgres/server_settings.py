"""What postgresql.conf says: durable, and sized for two cores that also run the services."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

#: What no deployment changes.
FIXED: Mapping[str, str | float] = {
    "checkpoint_timeout": "'15min'",
    "checkpoint_completion_target": 0.9,
    "jit": "off",
    # Parallel workers would take the two cores from the services for the sake of one long query.
    "max_parallel_workers_per_gather": 0,
    "random_page_cost": 1.1,
    # Queues are swept often (their few rows cross any threshold); tables that are written in place
    # prune themselves, and looking at ten thousand wide rows again for their statistics four times a minute
    # cost as much as storing the events.
    "autovacuum_naptime": "'15s'",
    "autovacuum_vacuum_scale_factor": 0.5,
    "autovacuum_analyze_scale_factor": 1.0,
    "autovacuum_vacuum_insert_threshold": 200_000,
    "autovacuum_vacuum_cost_limit": 1000,
    # A sweep of a large table must not keep the queues waiting.
    "autovacuum_max_workers": 5,
    # A client that was killed must not keep its locks until its statement ends.
    "client_connection_check_interval": "'2s'",
    "password_encryption": "'scram-sha-256'",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "lc_messages": "'C'",
    "log_line_prefix": "'%m [%p] %u@%d '",
    "log_checkpoints": "off",
}


@dataclass(frozen=True)
class ServerSettings:
    """`durable=False` is for throw-away test servers only: a killed process still loses nothing, a lost
    machine may."""

    shared_buffers_mb: int = 1024
    connections_max: int = 200
    wal_max_mb: int = 4096
    durable: bool = True

    def conf(self, port: int, socket: Path) -> str:
        """The whole postgresql.conf; there is no other source of settings."""
        durable = "on" if self.durable else "off"
        lines = {
            "listen_addresses": "'127.0.0.1'",
            "port": port,
            "unix_socket_directories": f"'{socket}'",
            "max_connections": self.connections_max,
            "shared_buffers": f"'{self.shared_buffers_mb}MB'",
            "effective_cache_size": "'2GB'",
            "work_mem": "'16MB'",
            "maintenance_work_mem": "'256MB'",
            "fsync": durable,
            "synchronous_commit": durable,
            "full_page_writes": durable,
            # Of a throw-away server's passwords none is worth guessing, and each connection would cost milliseconds.
            **({} if self.durable else {"scram_iterations": 1}),
            "wal_buffers": "'16MB'",
            "min_wal_size": f"'{self.wal_max_mb // 8}MB'",
            "max_wal_size": f"'{self.wal_max_mb}MB'",
            **FIXED,
        }
        return "".join(f"{name} = {value}\n" for name, value in lines.items())


HBA = "local all all scram-sha-256\nhost all all 127.0.0.1/32 scram-sha-256\n"
