"""Signatures are those of Standard Webhooks."""

from __future__ import annotations

from patchwatch.messages.webhook import Webhook
from workers.delivery.payload import message_id, signed_headers


def test_the_example_of_the_specification_is_reproduced() -> None:
    # From the tests of the reference libraries.
    webhook = Webhook(id="home", url="http://h/", secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    headers = signed_headers(webhook.signing_key(), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert headers == [
        (b"webhook-id", b"msg_p5jXN8AQM9LWM0D4loKWxJek"),
        (b"webhook-timestamp", b"1614265330"),
        (b"webhook-signature", b"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
    ]


def test_each_webhook_and_change_has_an_id_of_its_own() -> None:
    one, other = (Webhook(id=name, url="http://h/", secret="whsec_" + "A" * 32) for name in ("one", "other"))
    assert len({message_id(one, "1-0"), message_id(one, "1-1"), message_id(other, "1-0")}) == 3
