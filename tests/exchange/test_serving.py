"""REST over real sockets: faults, control endpoint, TLS, market time."""

from __future__ import annotations

import asyncio
import hmac
import json
import ssl
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from arbbot.exchange.faults import FAULTS, BadFault, Fault, Faults, Stage
from arbbot.exchange.options import DEMO_SECRET, ExchangeOptions
from arbbot.exchange.serve import serve
from arbbot.exchange.server.levers import LEVERS

if TYPE_CHECKING:
    from tests.exchange.conftest import Live

Served = Callable[..., "AbstractAsyncContextManager[Live]"]
BUY = {"amount": "0.5", "price": "101", "client_order_id": "one"}


def _filled(state: Any) -> list[str]:
    return [f"{Decimal(row['amounts']['btc']).normalize()}" for row in state["accounts"][0]["rows"]]


@pytest.mark.parametrize(
    ("fault", "executed"),
    [
        ("refuse:buy:1", False),
        ("request_lost:buy:1", False),
        ("reply_lost:buy:1", True),
        ("truncated:buy:1", True),
    ],
)
async def test_a_lost_reply_leaves_the_order_as_the_fault_says(served: Served, fault: str, executed: bool) -> None:
    """The client sees a broken connection; the venue's truth tells whether the order exists."""
    async with served(faults=(fault,)) as live:
        with pytest.raises(aiohttp.ClientError):
            await live.post("buy/btcusd/", **BUY)
        assert _filled(await live.state()) == (["0.5"] if executed else [])
        assert (await live.post("account_balances/btc/"))["currency"] == "btc"


@pytest.mark.parametrize("accepted", [False, True])
@pytest.mark.parametrize(
    ("name", "status"),
    [("http_500", 500), ("http_502", 502), ("http_503", 503), ("http_504", 504), ("html_200", 200),
     ("block_403", 403), ("empty_200", 200), ("maintenance", 503)],
)  # fmt: skip
async def test_pages_hide_whether_the_order_was_taken(served: Served, name: str, status: int, accepted: bool) -> None:
    """An HTML, empty or maintenance reply comes with or without acceptance, as asked, and unsigned."""
    async with served(faults=(f"{name}:buy:1,accepted={int(accepted)}",)) as live:
        async with live.raw("buy/btcusd/", **BUY) as reply:
            assert reply.status == status
            assert "X-Server-Auth-Signature" not in reply.headers
        assert bool(_filled(await live.state())) is accepted


@pytest.mark.parametrize(
    ("fault", "status", "field", "value"),
    [
        ("rate_limited:buy:1", 400, "response_code", "400.002"),
        ("rate_limited:buy:1,status=429", 429, "response_code", "400.002"),
        ("auth_403:buy:1,code=API0017", 403, "code", "API0017"),
        ("ip_403:buy:1", 403, "code", "API0002"),
        ("reject:buy:1", 200, "reason", {"__all__": ["Price is more than 20% above market price."]}),
        ("reject:buy:1", 200, "response_code", "400.021"),
        (
            "insufficient:buy:1",
            200,
            "reason",
            {"__all__": ["You have only 0.00000000 BTC available. Check your account balance for details."]},
        ),
        ("halted:buy:1", 200, "response_code", "400.003"),
        ("insufficient:buy:1,reason=None left.", 200, "reason", {"__all__": ["None left."]}),
        ("halted:buy:1,reason=Closed.", 200, "reason", {"__all__": ["Closed."]}),
    ],
)
async def test_refusals_on_demand_do_not_touch_the_venue(
    served: Served, fault: str, status: int, field: str, value: object
) -> None:
    """A refusing fault answers in its shape and nothing is placed."""
    async with served(faults=(fault,)) as live:
        async with live.raw("buy/btcusd/", **BUY) as reply:
            assert reply.status == status
            assert json.loads(await reply.read())[field] == value
        assert _filled(await live.state()) == []


async def test_signatures_can_be_wrong_missing_or_somebody_elses(served: Served) -> None:
    """A good reply verifies with the request's nonce; the faulty ones do not."""
    async with served() as live:

        async def verified() -> bool:
            async with live.raw("account_balances/usd/") as reply:
                sent, body = reply.request_info.headers, await reply.read()
                text = sent["X-Auth-Nonce"] + sent["X-Auth-Timestamp"] + reply.headers["Content-Type"]
                digest = hmac.new(DEMO_SECRET.encode(), text.encode() + body, "sha256").hexdigest()
                return bool(reply.headers.get("X-Server-Auth-Signature") == digest)

        assert await verified()
        for name in ("mis_signed", "unsigned"):
            await live.fault(f"{name}:account_balances:1")
            assert not await verified()
        await live.post("websockets_token/")
        await live.fault("other_reply:account_balances:1")
        assert "token" in await live.post("account_balances/usd/")
        assert await verified()


async def test_a_stale_book_repeats_the_previous_reply(served: Served) -> None:
    """stale_reply answers with what was last sent on the path, however the book has moved since."""
    async with served() as live:
        before = await live.get("order_book/btcusd/")
        await live.control("book", market="btcusd", bids=[["90", "1"]], asks=[["110", "1"]])
        await live.fault("stale_reply:order_book:1")
        assert await live.get("order_book/btcusd/") == before
        assert (await live.get("order_book/btcusd/"))["bids"] == [["90.00", "1.00000000"]]


async def test_a_timed_out_order_is_alive(served: Served) -> None:
    """500.016 names an order id that order_status then knows."""
    async with served(faults=("timed_out:buy:1",)) as live:
        answer = await live.post("buy/btcusd/", **BUY)
        assert answer["response_code"] == "500.016"
        assert (await live.post("order_status/", id=str(answer["order_id"])))["status"] == "Finished"


async def test_orders_can_hide_fill_partly_or_fill_after_their_cancel(served: Served) -> None:
    """Not found for a while; half filled and cancelled; filled although the cancel was acknowledged."""
    async with served(faults=("partial_cancel:buy:1", "not_found:buy:1,delay_s=60")) as live:
        await live.post("buy/btcusd/", **BUY)
        assert (await live.post("order_status/", client_order_id="one"))["reason"] == "Order not found."
        assert _filled(await live.state()) == ["0.25"]
        resting = await live.post("buy/btcusd/", amount="1", price="90")
        await live.fault("fill_after_cancel:cancel_order:1,delay_s=0.2,share=0.5")
        assert (await live.post("cancel_order/", id=resting["id"]))["status"] == "Canceled"
        assert len(_filled(await live.state())) == 1
        await asyncio.sleep(0.35)
        assert _filled(await live.state()) == ["0.25", "0.5"]


async def test_rows_can_come_late_twice_mixed_or_strange(served: Served) -> None:
    """Every disturbance of user_transactions changes the reply only, and signs it."""
    async with served() as live:
        for _ in range(3):
            await live.post("buy/market/btcusd/", amount="0.2")
        rows = await live.post("user_transactions/")
        seen: dict[str, Any] = {}
        for name in ("rows_late", "rows_duplicated", "rows_shuffled", "rows_retyped", "rows_unknown"):
            await live.fault(f"{name}:user_transactions:1")
            seen[name] = await live.post("user_transactions/")
        assert seen["rows_late"] == []
        assert [row["id"] for row in seen["rows_duplicated"]] == [row["id"] for row in rows for _ in range(2)]
        assert seen["rows_shuffled"] != rows
        assert sorted(r["id"] for r in seen["rows_shuffled"]) == sorted(r["id"] for r in rows)
        assert (seen["rows_retyped"][0]["id"], seen["rows_retyped"][0]["btc"]) == (str(rows[0]["id"]), 0.2)
        assert seen["rows_unknown"][0]["type"] == "99"


async def test_delays_come_before_or_after_acceptance(served: Served) -> None:
    """With the delay before, a client that gave up finds no order yet; with the delay after, it does."""
    async with served(faults=("delay_before:buy:1,delay_s=0.6", "delay_after:sell:1,delay_s=0.6")) as live:
        waiting = [
            asyncio.create_task(live.post("buy/btcusd/", **BUY)),
            asyncio.create_task(live.post("sell/market/btcusd/", amount="0.25")),
        ]
        await asyncio.sleep(0.2)
        assert _filled(await live.state()) == ["-0.25"]
        assert not any(task.done() for task in waiting)
        assert (await waiting[0])["client_order_id"] == "one"
        assert _filled(await live.state()) == ["-0.25", "0.5"]
        await waiting[1]


async def test_control_moves_money_fees_and_markets(served: Served) -> None:
    """Deposit, withdrawal, conversion, manual trade, fees, minimum and halt act at once and appear as rows."""
    async with served() as live:
        await live.control("deposit", currency="usd", amount="100")
        await live.control("withdraw", currency="btc", amount="1", fee="0.00008")
        await live.control("convert", amounts={"usdt": "-50", "usd": "49.9"})
        await live.control("trade", market="btcusd", side="buy", amount="0.5")
        await live.control("fees", maker="0", taker="0.03")
        rows = await live.post("user_transactions/", sort="asc")
        assert [row["type"] for row in rows] == ["0", "1", "36", "2"]
        assert (rows[1]["btc"], rows[1]["fee"]) == ("-1.00000000", "0.00008000")
        assert (await live.post("fees/trading/btcusd/"))["fees"]["taker"] == "0.030"
        await live.control("minimum", market="btcusd", value="60")
        assert "60.0 USD" in str((await live.post("buy/btcusd/", **BUY))["reason"])
        await live.control("market_status", market="btcusd", enabled=False)
        assert (await live.post("buy/btcusd/", amount="1", price="101"))["reason"] == "Order could not be placed."
        state = await live.state()
        held = {c: Decimal(b["total"]) for c, b in state["accounts"][0]["balances"].items()}
        assert held["btc"] == Decimal(10) - 1 - Decimal("0.00008") + Decimal("0.5")
        for currency, total in held.items():
            assert total + Decimal(state["house"][currency]) + Decimal(state["collected_fees"].get(currency, "0")) == 0


async def test_control_tells_the_state_in_part_and_what_faults_did(served: Served) -> None:
    """Rows above an id and open orders only, for frequent looks; switching faults off tells how often they hit."""
    async with served() as live:
        await live.post("buy/btcusd/", amount="0.5", price="101")
        await live.post("buy/btcusd/", amount="0.5", price="90")
        row = (await live.state())["accounts"][0]["rows"][0]["id"]
        for after, rows in ((row - 1, 1), (row, 0)):
            async with live.http.get(f"{live.at.control}/state?account=demo&orders=open&rows_after={after}") as reply:
                (account,) = (await reply.json())["accounts"]
            assert len(account["rows"]) == rows
            assert [order["price"] for order in account["orders"]] == ["90"]
        await live.fault("http_500:ticker:3")
        await live.get("account_balances/")
        async with live.http.get(f"{live.at.rest}/api/v2/ticker/btcusd/"):
            pass
        async with live.http.delete(f"{live.at.control}/faults") as reply:
            (cleared,) = (await reply.json())["cleared"]
        assert (cleared["name"], cleared["fired"], cleared["left"]) == ("http_500", 1, 2)


async def test_a_spike_moves_a_market_for_a_while_and_back(served: Served) -> None:
    """The house quotes one market off its fair price, for one tick at least, and returns to it."""
    async with served(still=False, scenario="calm", tick_s=0.02) as live:
        before = (await live.get("order_book/btceur/"))["bids"][0][0]
        await live.control("spike", market="btceur", share="0.02", seconds=0.3)
        await asyncio.sleep(0.15)
        during = (await live.get("order_book/btceur/"))["bids"][0][0]
        await asyncio.sleep(0.4)
        after = (await live.get("order_book/btceur/"))["bids"][0][0]
    assert Decimal("1.015") < Decimal(during) / Decimal(before) < Decimal("1.025")
    assert abs(Decimal(after) / Decimal(before) - 1) < Decimal("0.003")


async def test_control_refuses_nonsense(served: Served) -> None:
    """Unknown actions, faults and accounts are errors with a reason, not crashes."""
    async with served() as live:
        for action, body in (("fly", {}), ("faults", {"fault": "nope"}), ("deposit", {}), ("trade", {"market": "x"})):
            async with live.http.post(f"{live.at.control}/{action}", json=body) as reply:
                assert reply.status in {400, 409}
                assert (await reply.json())["error"]


async def test_tls_serves_with_a_generated_authority(served: Served, tmp_path: Path) -> None:
    """A client that trusts ca.pem connects by name and address, others do not; WebSocket on a port of its own."""
    async with served(tls_dir=tmp_path, ws_port=0) as live:
        trust = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
        async with live.http.get(f"{live.at.rest}/api/v2/markets/", ssl=trust) as reply:
            assert len(json.loads(await reply.read())) == 5
            assert "Date" in reply.headers
        async with live.http.ws_connect(live.at.websocket, ssl=trust) as socket:
            await socket.send_str('{"event":"bts:heartbeat"}')
            assert "success" in await socket.receive_str()
        assert live.at.websocket != live.at.rest.replace("https", "wss")
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await live.http.get(f"{live.at.rest}/api/v2/markets/")
        assert (tmp_path / "server.key").stat().st_mode & 0o077 == 0


async def test_market_time_can_run_fast_from_any_origin(served: Served) -> None:
    """A good-till-date order of a minute expires within a moment at speed 3600, by the market's clock."""
    origin_us = 1_583_020_800_000_000
    async with served(speed=3600.0, origin_us=origin_us) as live:
        start_ms = (await live.get("status/"))["server_time"]
        assert start_ms * 1000 >= origin_us
        expire = str(start_ms + 600_000)
        placed = await live.post("buy/btcusd/", amount="1", price="90", gtd_order="True", expire_time=expire)
        assert placed["datetime"].startswith("2020-03-01")
        await asyncio.sleep(0.35)
        assert (await live.state())["accounts"][0]["orders"][0]["status"] == "Expired"


async def test_the_market_process_moves_the_books(served: Served) -> None:
    """With a scenario all five books are quoted within moments and move."""
    async with served(still=False, scenario="calm", seed=5) as live:
        books = [await live.get(f"order_book/{m}/") for m in ("btcusd", "btceur", "eurusd", "usdtusd", "usdteur")]
        assert all(len(book["bids"]) > 50 and len(book["asks"]) > 50 for book in books)
        await asyncio.sleep(0.3)
        assert (await live.get("order_book/btcusd/"))["microtimestamp"] > books[0]["microtimestamp"]


def test_faults_strike_by_pattern_count_and_chance() -> None:
    """Patterns cover sub-paths, counts run out, chances follow the seed, wrong texts are refused."""
    faults = Faults(("reply_lost:buy:1", "delay_after:*btceur:0.5,delay_s=2"), seed=7)
    assert list(faults.take(Stage.REST, "buy/market/btcusd")) == ["reply_lost"]
    assert not faults.take(Stage.REST, "buy/btcusd")
    drawn = [bool(faults.take(Stage.REST, "sell/btceur")) for _ in range(200)]
    again = Faults(("delay_after:*btceur:0.5",), seed=7)
    assert drawn == [bool(again.take(Stage.REST, "sell/btceur")) for _ in range(200)]
    assert 60 < sum(drawn) < 140
    for wrong in (
        "nope", "reply_lost:buy:x", "reply_lost:buy:1.5", "reply_lost:buy:-1", "close,size=1", "stall,delay_s=x",
        "stall,delay_s=1e400", "stall,delay_s=nan", "burst,size=1.5", "close,code=abc", "rate_limited,status=2",
    ):  # fmt: skip
        with pytest.raises(BadFault) as refused:
            Fault.parse(wrong)
        assert "could not convert" not in str(refused.value)
    assert Fault.parse("reply_lost:buy:0.25").chance == 0.25
    assert Fault.parse("reply_lost:buy:0").left == 0
    assert all(kind.meaning for kind in FAULTS.values())


async def test_control_answers_for_itself(served: Served) -> None:
    """`GET /control` lists every action there is, and what is wrong with a request is told with what it takes."""
    async with served() as live:
        async with live.http.get(live.at.control) as reply:
            told = await reply.json()
        assert {f"POST /control/{action}" for action in LEVERS} < set(told)
        for action in LEVERS:
            async with live.http.post(f"{live.at.control}/{action}", json=["no", "object"]) as reply:
                assert reply.status == 400, action
                assert (await reply.json())["error"].startswith("the body is a JSON object"), action
        for action, body in (
            ("deposit", {}),
            ("deposit", {"currency": "usd", "amount": "NaN"}),
            ("deposit", {"currency": "usd", "amount": "1", "account": "nobody"}),
            ("convert", {"amounts": ["usd"]}),
            ("fees", {"maker": "1"}),
            ("nothing", {}),
        ):
            async with live.http.post(f"{live.at.control}/{action}", json=body) as reply:
                assert reply.status == 400, (action, body)
                assert (await reply.json())["error"]


async def test_a_fault_that_can_never_strike_is_refused(served: Served) -> None:
    """A pattern must cover a path or channel of this exchange, at the start as later."""
    for text in ("rows_late:x:1", "stall:order_book_nomarket", "reply_lost:order_book_btcusd:1"):
        with pytest.raises(BadFault, match="is covered by"):
            await serve(ExchangeOptions(still=True, faults=(text,)), stop=asyncio.Event())
    sound = ("reply_lost:buy:1", "stall:private-my_orders_btcusd-*:1", "http_500:api/balance:1")
    late = {"fault": "rows_late:x:1"}
    async with served(faults=sound) as live, live.http.post(f"{live.at.control}/faults", json=late) as reply:
        assert reply.status == 400


def test_the_reference_names_every_lever() -> None:
    """Nothing that can go wrong on purpose is a secret of the sources; the faults' table is written from them."""
    text = (Path(__file__).parents[2] / "docs" / "reference" / "exchange.md").read_text()
    missing = [name for name in LEVERS if f"`{name}" not in text]
    assert not missing
