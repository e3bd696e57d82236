"""Records are sent to real SMTP servers of all kinds."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from anyrig.core.build_records import Channel, Level, Record
from anyrig.core.extensions.notifications import Mails, read
from anyrig.engine.announcing.base import Announcement, Around, NotTold
from anyrig.engine.announcing.mails import tell

SAID = Record(1_446_684_472_123_456, Channel.RUN, Level.INFO, "Completed 2/2")
ANNOUNCEMENT = Announcement("7-1", "test", "builds", SAID, "/any/0007/12")
AROUND = Around(Path("/nowhere"), url="https://ci.example")
OK = "250 OK"


class MailBox:
    """Keeps what it gets; refuses addresses, and mails as a whole, in turn and by these answers."""

    def __init__(self, *answers: str, **addresses: str) -> None:
        self._answers = list(answers)
        self._addresses = addresses
        self.envelopes: list[Envelope] = []
        self.users: list[bytes] = []
        self.was_secure: list[bool] = []

    async def handle_RCPT(  # noqa: N802 - aiosmtpd calls it so
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        answer = self._addresses.get(address.partition("@")[0], OK)
        if answer == OK:
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        answer = self._answers.pop(0) if self._answers else OK
        if answer == OK:
            self.envelopes.append(envelope)
            self.was_secure.append(session.ssl is not None)
        return answer

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: LoginPassword
    ) -> AuthResult:
        self.users.append(data.login)
        return AuthResult(success=data == LoginPassword(b"ada", b"hunter2"), handled=False)

    def mail(self) -> EmailMessage:
        """The only one."""
        (envelope,) = self.envelopes
        assert isinstance(envelope.content, bytes)
        read = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(read, EmailMessage)
        return read


@asynccontextmanager
async def serving(box: MailBox, **how: Any) -> AsyncIterator[str]:
    """``host:port``."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(box, loop=loop, **how), "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


def mails(host: str, *emails: str, **options: Any) -> Mails:
    return read({"mail_host": host, "emails": list(emails or ["bob@example.org"]), **options}, "test")


async def refusal(options: Mails, announcement: Announcement = ANNOUNCEMENT) -> NotTold:
    with pytest.raises(NotTold) as refused:
        await tell(options, announcement, AROUND)
    return refused.value


async def test_one_mail_goes_to_all() -> None:
    box = MailBox()
    async with serving(box) as host:
        options = mails(host, "bob@example.org", "eve@example.org", **{"from": "CI <ci@example.org>"})
        await tell(options, ANNOUNCEMENT, AROUND)
    assert box.envelopes[0].mail_from == "ci@example.org"
    assert box.envelopes[0].rcpt_tos == ["bob@example.org", "eve@example.org"]
    assert box.mail()["To"] == "bob@example.org, eve@example.org"
    assert box.mail()["Subject"] == "test: Build completed"
    assert box.mail()["Message-ID"] == "<anyrig.7-1@example.org>"
    assert box.mail().get_content().startswith("Completed 2/2")


async def test_lines_that_begin_with_a_dot_arrive_whole() -> None:
    box = MailBox()
    async with serving(box) as host:
        message = "Completed 1/1\n.\n..\nQUIT"
        await tell(mails(host), replace(ANNOUNCEMENT, record=replace(SAID, message=message)), AROUND)
    assert box.mail().get_content().splitlines()[:4] == message.splitlines()


async def test_a_server_that_takes_it_later_gets_the_same_mail_again() -> None:
    box = MailBox("451 Greylisted")
    async with serving(box) as host:
        refused = await refusal(mails(host))
        assert (str(refused), refused.for_ever) == ("127.0.0.1: 451 Greylisted", False)
        assert box.envelopes == []
        await tell(mails(host), replace(ANNOUNCEMENT, tries=2), AROUND)
    assert box.mail()["Message-ID"] == "<anyrig.7-1@sloth.ci>"


async def test_a_server_that_refuses_it_is_not_asked_again() -> None:
    async with serving(MailBox("550 We want\tno mail")) as host:
        refused = await refusal(mails(host))
    assert (str(refused), refused.for_ever) == ("127.0.0.1: 550 We want no mail", True)


async def test_addresses_that_are_refused_keep_nobody_else_from_their_mail() -> None:
    box = MailBox(gone="550 No such user")
    async with serving(box) as host:
        refused = await refusal(mails(host, "gone@example.org", "bob@example.org"))
    assert (str(refused), refused.for_ever) == ("127.0.0.1: to gone@example.org: 550 No such user", True)
    assert box.envelopes[0].rcpt_tos == ["bob@example.org"]


async def test_an_address_that_is_refused_for_now_lets_all_wait_a_few_times_and_no_longer() -> None:
    box = MailBox(full="452 Mailbox full")
    async with serving(box) as host:
        options = mails(host, "bob@example.org", "full@example.org")
        for tries in (1, 2, 3):
            refused = await refusal(options, replace(ANNOUNCEMENT, tries=tries))
            assert (str(refused), refused.for_ever) == ("127.0.0.1: 452 Mailbox full", False)
        assert box.envelopes == []
        refused = await refusal(options, replace(ANNOUNCEMENT, tries=4))
    assert (str(refused), refused.for_ever) == ("127.0.0.1: to full@example.org: 452 Mailbox full", True)
    assert box.envelopes[0].rcpt_tos == ["bob@example.org"]


async def test_while_all_addresses_are_refused_for_now_it_is_tried_again_and_again() -> None:
    async with serving(MailBox(full="452 Mailbox full")) as host:
        assert not (await refusal(mails(host, "full@x"), replace(ANNOUNCEMENT, tries=9))).for_ever
    async with serving(MailBox(full="452 Mailbox full", gone="550 No")) as host:
        refused = await refusal(mails(host, "gone@x", "full@x"), replace(ANNOUNCEMENT, tries=9))
        assert (str(refused), refused.for_ever) == ("127.0.0.1: 452 Mailbox full", False)
    async with serving(MailBox(gone="550 No such user")) as host:
        assert (await refusal(mails(host, "gone@x"))).for_ever


class Tls:
    """A server's certificate, and those who trust it."""

    def __init__(self, file: Path) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        self._certificate = _certificate(key)
        form = serialization.PrivateFormat.PKCS8
        pem = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
        file.write_bytes(pem + self._certificate.encode())
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server.load_cert_chain(file)

    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=self._certificate)


def _certificate(key: ec.EllipticCurvePrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mx")])
    now = datetime.now(UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    return Tls(tmp_path_factory.mktemp("tls") / "server.pem")


def with_login(box: MailBox, tls: Tls) -> dict[str, Any]:
    return {
        "tls_context": tls.server,
        "require_starttls": True,
        "authenticator": box.authenticate,
        "auth_required": True,
    }


async def test_a_secure_server_is_given_the_password_and_the_mail_over_tls(tls: Tls) -> None:
    box = MailBox()
    async with serving(box, **with_login(box, tls)) as host:
        options = mails(host, secure=True, login="ada", password="hunter2")
        await tell(options, ANNOUNCEMENT, replace(AROUND, trust=tls.trust))
    assert (box.users, box.was_secure) == ([b"ada"], [True])
    assert box.mail()["To"] == "bob@example.org"


async def test_a_wrong_password_is_refused_for_ever_and_not_repeated(tls: Tls) -> None:
    box = MailBox()
    async with serving(box, **with_login(box, tls)) as host:
        options = mails(host, secure=True, login="ada", password="wrong-one")
        with pytest.raises(NotTold) as refused:
            await tell(options, ANNOUNCEMENT, replace(AROUND, trust=tls.trust))
    assert (str(refused.value), refused.value.for_ever) == ("127.0.0.1: it refuses the login (535)", True)


async def test_a_server_that_nobody_vouches_for_gets_neither_password_nor_mail(tls: Tls) -> None:
    box = MailBox()
    async with serving(box, **with_login(box, tls)) as host:
        refused = await refusal(mails(host, secure=True, login="ada", password="hunter2"))
    assert "certificate verify failed" in str(refused)
    assert not refused.for_ever
    assert (box.users, box.envelopes) == ([], [])


async def test_a_server_without_tls_gets_nothing_that_is_to_be_secure() -> None:
    box = MailBox()
    async with serving(box) as host:
        refused = await refusal(mails(host, secure=True))
    assert (str(refused), refused.for_ever) == (
        "127.0.0.1: STARTTLS extension not supported by server.",
        True,
    )
    assert box.envelopes == []


async def test_a_server_that_knows_no_passwords_is_not_given_one() -> None:
    async with serving(MailBox()) as host:
        refused = await refusal(mails(host, login="ada", password="hunter2"))
    assert refused.for_ever
    assert "hunter2" not in str(refused)


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def talking(talk: Talk) -> AsyncIterator[str]:
    """``host:port`` of somebody who speaks SMTP in a way of their own."""
    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_the_mail_is_theirs_even_if_they_hang_up_without_a_word() -> None:
    said = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mx\r\n")
        while (line := await reader.readline()) != b"quit\r\n" and line:
            said.append(line)
            if line == b"data\r\n":
                writer.write(b"354 go on\r\n")
                await reader.readuntil(b"\r\n.\r\n")
            writer.write(b"250 OK\r\n")
        writer.close()

    async with talking(talk) as host:
        await tell(mails(host), ANNOUNCEMENT, AROUND)
    assert said[-1] == b"data\r\n"


@pytest.mark.parametrize(
    ("greeting", "for_ever"), [(b"421 Too busy\r\n", False), (b"554 No SMTP here\r\n", True), (b"", False)]
)
async def test_a_server_that_does_not_welcome_us_says_for_how_long(greeting: bytes, for_ever: bool) -> None:
    async def talk(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        writer.close()

    async with talking(talk) as host:
        assert (await refusal(mails(host))).for_ever is for_ever


async def test_a_server_that_dislikes_our_name_says_for_how_long() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mx\r\n")
        for answer in (b"502 What?\r\n", b"550 Never heard of you\r\n"):
            await reader.readline()
            writer.write(answer)
        writer.close()

    async with talking(talk) as host:
        refused = await refusal(mails(host))
    assert (str(refused), refused.for_ever) == ("127.0.0.1: 550 Never heard of you", True)


async def test_nobody_there_is_a_reason_to_try_again() -> None:
    async with talking(lambda _reader, _writer: asyncio.sleep(0)) as gone:
        pass
    refused = await refusal(mails(gone))
    assert (str(refused), refused.for_ever) == ("127.0.0.1: Connection refused", False)


async def test_an_address_that_smtp_cannot_carry_is_refused_for_ever() -> None:
    async with serving(MailBox()) as host:
        refused = await refusal(mails(host, "žofie@example.org"))
    assert (str(refused), refused.for_ever) == ("127.0.0.1: an address or the login is not ASCII", True)


@pytest.mark.parametrize("greeting", [b"", b"220 mx\r\n"])
async def test_no_thread_waits_for_a_server_that_nobody_waits_for_any_more(greeting: bytes) -> None:
    connected, gone = asyncio.Event(), asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        connected.set()
        with suppress(ConnectionError):
            await reader.read()
        writer.close()
        gone.set()

    threads = ThreadPoolExecutor(1)
    async with asyncio.timeout(10), talking(talk) as host, asyncio.TaskGroup() as group:
        task = group.create_task(tell(mails(host), ANNOUNCEMENT, replace(AROUND, threads=threads)))
        await connected.wait()
        task.cancel()
        await gone.wait()
        await asyncio.get_running_loop().run_in_executor(None, threads.shutdown)
