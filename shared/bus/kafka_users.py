"""Makes a broker that asks know our users and exactly their rights: done by the administrator, at every `u2c
migrate`."""

import asyncio
import hashlib
import os
from collections.abc import Mapping
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.admin import CreateAclsRequest, DeleteAclsRequest, DescribeAclsRequest
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    CompactArray,
    CompactBytes,
    CompactString,
    Int8,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

from shared.bus import BusUnavailable
from shared.bus.kafka_access import OURS, KafkaAccess
from shared.bus.kafka_rights import ALLOW, USERS, Right, rights
from shared.bus.kafka_topics import ensure_topics
from shared.topics import ALL

# of SCRAM-SHA-512; a derived password has 192 bits, so more rounds add nothing
OURS_NUMBER, ITERATIONS, SALT_BYTES = (
    2,
    4096,
    16,
)
ANY, OUR_PRINCIPALS = 1, frozenset(f"User:{user}" for user in USERS)
TIMEOUT_S, POLL_S = 30.0, 0.1


class _ScramResponse(Response):  # type: ignore[misc]
    API_KEY, API_VERSION = 51, 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "results",
            CompactArray(
                ("user", CompactString()),
                ("error_code", Int16),
                ("error_message", CompactString()),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _ScramStruct(RequestStruct):  # type: ignore[misc]
    """AlterUserScramCredentials, which the client does not have."""

    API_KEY, API_VERSION, FLEXIBLE_VERSION, RESPONSE_TYPE = 51, 0, True, _ScramResponse
    SCHEMA = Schema(
        ("deletions", CompactArray(("name", CompactString()), ("mechanism", Int8), ("tags", TaggedFields))),
        (
            "upsertions",
            CompactArray(
                ("name", CompactString()),
                ("mechanism", Int8),
                ("iterations", Int32),
                ("salt", CompactBytes),
                ("salted_password", CompactBytes),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _ScramRequest(Request[_ScramStruct]):  # type: ignore[misc]
    API_KEY: Final = 51

    def __init__(self, passwords: Mapping[str, str]) -> None:
        self._upsertions = [_credential(user, password) for user, password in passwords.items()]

    def build(self, request_struct_class: type[_ScramStruct]) -> _ScramStruct:
        return request_struct_class([], self._upsertions, {})


async def admit(access: KafkaAccess, passwords: Mapping[str, str]) -> None:
    """Topics, users with these passwords, and the rights of the registry; what our users could do beyond them
    is taken back.

    `access` is the administrator's. Raises BusUnavailable, and WrongPartitionCount as `ensure_topics`.
    """
    await ensure_topics(access, ALL)
    admin = AIOKafkaAdminClient(**access.client())
    try:
        async with asyncio.timeout(TIMEOUT_S):
            await admin.start()
            for user, code, said, _ in (await admin._send_to_controller(_ScramRequest(passwords))).results:
                if code:
                    raise for_code(code)(f"{user}: {said}")
            await _make_so(admin, rights())
            for user, password in passwords.items():
                await _until_known(KafkaAccess(access.brokers, access.protocol, OURS, user, password))
    except (KafkaError, OSError, TimeoutError) as fault:
        raise BusUnavailable(
            f"Kafka at {access.brokers} takes no users or rights from {access.username}: {fault!r}"
        ) from fault
    finally:
        await admin.close()


async def _make_so(admin: AIOKafkaAdminClient, wanted: frozenset[Right]) -> None:
    """Take back and give until the broker says so itself: it hears of a right a moment after the controller
    does."""
    while (found := await granted(admin)) != wanted:
        changes = [
            *(DeleteAclsRequest(*right) for right in found - wanted),
            *(CreateAclsRequest(*right) for right in wanted - found),
        ]
        for response in await asyncio.gather(*(admin._send_to_controller(change) for change in changes)):
            _, [answer] = response.to_object().values()
            if answer["error_code"]:
                raise for_code(answer["error_code"])(answer["error_message"])
        await asyncio.sleep(POLL_S)


async def granted(admin: AIOKafkaAdminClient) -> frozenset[Right]:
    """What our users are allowed, as the broker has it."""
    response = await admin._send_request(DescribeAclsRequest(ANY, None, ANY, None, None, ANY, ANY))
    if response.error_code:
        raise for_code(response.error_code)(response.error_message)
    return frozenset(
        Right(of, name, pattern, principal, host, operation, permission)
        for of, name, pattern, acls in response.resources
        for principal, host, operation, permission in acls
        if principal in OUR_PRINCIPALS and permission == ALLOW
    )


async def _until_known(access: KafkaAccess) -> None:
    """Return once the broker lets this user in."""
    while True:
        client = AIOKafkaAdminClient(**access.client())
        try:
            await client.start()
            return
        except KafkaError:
            await asyncio.sleep(POLL_S)
        finally:
            await client.close()


def _credential(user: str, password: str) -> tuple[Any, ...]:
    salt = os.urandom(SALT_BYTES)
    return (
        user,
        OURS_NUMBER,
        ITERATIONS,
        salt,
        hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS),
        {},
    )
