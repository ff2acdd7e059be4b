"""Command lines are kept without what looks like a secret."""

import pytest

from mmpanonas.search.secrets import public_command


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        (["x.token=abc def"], "x.token=..."),
        (["--api-token", "abc", "k"], "--api-token ... k"),
        (["--password=abc"], "--password=..."),
        (["d=dict(access_key='a b',z=3)"], "d=dict(access_key=...,z=3)"),
        (['{"secretKey": "abc", "b": 1}'], '{"secretKey": ..., "b": 1}'),
        (["http://user:pa@host/x"], "http://...@host/x"),
        (["AWS_SECRET_ACCESS_KEY=abc"], "AWS_SECRET_ACCESS_KEY=..."),
        (["backend_args.credential=x", "key=5"], "backend_args.credential=... key=..."),
    ],
)
def test_secrets_are_left_out(word, shown):
    assert public_command(["a.py", *word]).replace("'", "") == f"python a.py {shown}"


@pytest.mark.parametrize(
    "word",
    ["monkey=3", "keys=3", "tokenizer=3", "author=me", "a.interval=2", "http://host/x", "-k"],
)
def test_the_rest_is_kept(word):
    assert public_command([word, "b"]).replace("'", "") == f"python {word} b"
