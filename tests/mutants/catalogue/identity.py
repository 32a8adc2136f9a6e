"""S1, S2, S10: what is on the wire was written before, once, under a name and a nonce of its own."""

from __future__ import annotations

from tests.mutants.grounds import ORDERS_BY_HAND, SHELL
from tests.mutants.mutant import Edit, mutant

MUTANTS = (
    mutant(
        "S1", "send-before-commit", "orders leave before their intents are in the journal",
        ("runtime/daemon.py",
         "        if durable:\n            self._journal.append(durable)\n        self._command(output.commands, at)\n",
         "        self._command(output.commands, at)\n"
         "        if durable:\n            self._journal.append(durable)\n"),
        hunted=SHELL,
    ),
    mutant(
        "S1", "no-commit", "the journal's rows are never committed: they are gone with the process",
        ("journal/sqlite.py",
         "            if len(rows) <= AT_ONCE:\n                connection.execute(_insertion(len(rows)), "
         "list(chain.from_iterable(rows)))\n",
         "            if connection.in_transaction or len(rows) <= AT_ONCE:\n"
         "                connection.in_transaction or connection.execute('BEGIN IMMEDIATE')\n"
         "                connection.execute(_insertion(len(rows)), list(chain.from_iterable(rows)))\n"),
        hunted=SHELL,
    ),
    mutant(
        "S1", "sync-skipped", "live mode's commits do not survive the power supply",
        ("journal/sqlite.py", "{'FULL' if sync_full else 'NORMAL'}", "{'OFF' if sync_full else 'NORMAL'}"),
        hunted=SHELL,
    ),
    mutant(
        "S1", "price-as-a-whole-number", "the price on the wire is not the price that was intended",
        ("bitstamp/requests.py", "&price={terms.price:f}", "&price={terms.price:.0f}"),
    ),
    mutant(
        "S1", "manual-orders-cancelled", "at start the operator's own orders are taken for strays and cancelled",
        ("engine/tracker.py",
         'elif seen.client_order_id is not None and seen.client_order_id.startswith(f"{core.journal_key}-"):\n',
         'elif (seen := __import__("dataclasses").replace(\n'
         '                seen, client_order_id=seen.client_order_id or "by-hand")):\n'),
        hunted=ORDERS_BY_HAND,
    ),
    mutant(
        "S1", "good-till-date-left-out", "a resting order outlives the daemon that should have cancelled it",
        ("bitstamp/requests.py", "elif terms.expire_utc_ms is not None:", "elif False:"),
    ),
    mutant(
        "S2", "order-ids-restart", "a new process counts its orders from one again",
        ("engine/core.py", "number = self.state.orders_minted + 1 + ahead",
         'number = len(self.__dict__.setdefault("minted", [])) + 1\n        self.minted.append(number)'),
        Edit("engine/state.py", "if terms.client_order_id in self.orders:", "if False:"),
    ),
    mutant(
        "S2", "doubt-resent", "an order in doubt is sent again",
        ("engine/tracker.py", "            self._core.move(order, OrderState.IN_DOUBT, event.reason)\n",
         "            self._core.move(order, OrderState.IN_DOUBT, event.reason)\n"
         '            self._core.commands.append(__import__("arbbot.domain.commands").domain.commands'
         ".PlaceOrder(order.terms))\n"),
    ),
    mutant(
        "S10", "nonce-by-the-clock", "two requests of one millisecond share a nonce, and so do two processes",
        ("bitstamp/rest.py", "nonce = self._nonces.pop() if self._nonces else new_nonce()",
         'nonce = f"{at.utc_us // 100_000:032x}"\n'
         '        nonce = f"{nonce[:8]}-{nonce[8:12]}-{nonce[12:16]}-{nonce[16:20]}-{nonce[20:]}"'),
        hunted=SHELL,
    ),
    mutant(
        "S10", "nonce-restarts", "every process begins with the same nonce",
        ("bitstamp/rest.py", "nonce = self._nonces.pop() if self._nonces else new_nonce()",
         "self._count = getattr(self, '_count', 0) + 1\n"
         '        nonce = f"{self._count:032x}"\n'
         '        nonce = f"{nonce[:8]}-{nonce[8:12]}-{nonce[12:16]}-{nonce[16:20]}-{nonce[20:]}"'),
        hunted=SHELL,
    ),
    mutant(
        "S10", "post-retried", "a request without an answer goes out a second time, signed as it was",
        ("bitstamp/rest.py",
         "        except TimeoutError as error:\n            return NoReply(True, named(error))\n",
         "        except TimeoutError as error:\n"
         "            again = await self._legs.lend_or_open(asyncio.get_running_loop().time() + 3)\n"
         "            again.send(*leg.sent)\n"
         "            return NoReply(True, named(error))\n"),
        Edit("bitstamp/rest.py", "        if leg.send(request.method, self._on_the_wire(request, signed)):\n",
             "        leg.sent = request.method, self._on_the_wire(request, signed)\n"
             "        if leg.send(*leg.sent):\n"),
        hunted=SHELL,
    ),
)  # fmt: skip
