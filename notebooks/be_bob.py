"""Be Bob: ask a cache for one bit, and see when its bytes no longer tell.

`marimo run notebooks/be_bob.py` serves it; it needs no network. `python notebooks/be_bob.py` runs it once.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Be Bob")


@app.cell
def imports():
    from fractions import Fraction
    from math import exp, log

    import marimo as mo
    import numpy as np

    from lowerbound import L2Norm, PrivateSeed, Public, ScaleSchedule, find_cache
    from lowerbound.core.bits import state_bits
    from lowerbound.core.bounds import floor_in_interval
    from lowerbound.core.grid import Grid
    from lowerbound.core.keys.choice import best_family
    from lowerbound.core.scalars import counted
    from lowerbound.core.statistics import clopper_pearson
    from lowerbound.errors import LowerBoundError

    return (
        Fraction,
        Grid,
        L2Norm,
        LowerBoundError,
        PrivateSeed,
        Public,
        ScaleSchedule,
        best_family,
        clopper_pearson,
        counted,
        exp,
        find_cache,
        floor_in_interval,
        log,
        mo,
        np,
        state_bits,
    )


@app.cell(hide_code=True)
def title(mo):
    mo.md("""
    # Be Bob

    Alice wrote secret bits into the values of the cached tokens, and a cache made bytes of them. The bytes are all
    that you get. Choose a token and a channel, ask the cache with the token's own key, and read the bit off its
    answer: above the threshold it is a 1, below it a 0.
    """)
    return


@app.cell
def controls(mo):
    cache = mo.ui.dropdown(
        ["window", "h2o", "streaming", "uniform", "exact", "majority", "golay"], value="window", label="cache"
    )
    budget = mo.ui.slider(1, 16, value=8, label="budget, in sixteenths", show_value=True)
    lam = mo.ui.slider(0.5, 16.0, step=0.5, value=9.0, label="multiplier λ", show_value=True)
    eta = mo.ui.slider(0.0, 0.9, step=0.05, value=0.1, label="error η", show_value=True)
    maps = mo.ui.slider(2, 4, value=4, label="maps", show_value=True)
    d = mo.ui.slider(steps=[8, 16, 32], value=16, label="d", show_value=True)
    secret = mo.ui.slider(0, 9, value=0, label="secret", show_value=True)
    return budget, cache, d, eta, lam, maps, secret


@app.cell
def unknown(PrivateSeed):
    secrets = PrivateSeed.fresh()  # new whenever the app starts: neither you nor a cache can compute Alice's bits
    return (secrets,)


@app.cell
def question(ScaleSchedule, d, maps, mo):
    schedule = ScaleSchedule.geometric(2, maps.value)
    T, own = schedule.n_tokens_cached, schedule.tokens_at(schedule.n_scales - 1)
    token = mo.ui.slider(0, T - 1, value=0, label="token", show_value=True)
    channel = mo.ui.slider(0, d.value - 1, value=0, label="channel", show_value=True)
    return T, channel, own, schedule, token


@app.cell
def guess_of_one_question(budget, cache, channel, d, eta, lam, maps, mo, secret, token):
    _ = (budget, cache, channel, d, eta, lam, maps, secret, token)  # a new question, a new guess
    guess = mo.ui.radio(["not yet", "0", "1"], value="not yet", label="your guess", inline=True)
    return (guess,)


@app.cell
def panel(budget, cache, channel, d, eta, guess, lam, maps, mo, secret, token):
    mo.vstack(
        [
            mo.hstack([cache, budget], justify="start", gap=1, wrap=True),
            mo.hstack([lam, eta], justify="start", gap=1, wrap=True),
            mo.hstack([maps, d, secret], justify="start", gap=1, wrap=True),
            mo.hstack([token, channel, guess], justify="start", gap=1, wrap=True),
        ]
    )
    return


@app.cell
def game(
    Fraction,
    Grid,
    L2Norm,
    LowerBoundError,
    Public,
    T,
    best_family,
    budget,
    cache,
    d,
    exp,
    find_cache,
    lam,
    np,
    own,
    schedule,
    secrets,
):
    def play(secret_number):
        """Alice's bits, the message, and the answers to all T queries, as a fresh copy gives them."""
        rule, share = L2Norm(lam.value), Fraction(budget.value, 16)
        public = Public(schedule, d.value, rule, budget=share, keys=chosen, grid=bits_of_values)
        make = find_cache(cache.value)
        bits = secrets.coins(f"secret {secret_number}").bits(T * d.value).reshape(T, d.value)
        message = None
        for scale in range(schedule.n_scales - 1):
            rows, alice = schedule.rows_of(scale), make(public)
            if message is not None:
                alice.decode(message)
            alice.append(keys[rows], bits[rows].astype(float), scale, keys[rows])
            message = bytes(alice.encode())
        bob = make(public)
        bob.decode(message)
        bob.append(keys[T:], np.zeros((own, d.value)), schedule.n_scales - 1, keys[T:])
        return bits, message, bob.attend(keys[:T])

    bits_of_values = Grid.binary("relative", Fraction(0), Fraction(0))  # values are 0 and 1, as everyone knows
    refusal, played = "", []
    try:
        family = best_family(T + own, d.value)
        chosen = family.keys(T + own, d.value)
        keys, mu = chosen.unit, float(chosen.coherence)
        played = [play(number) for number in range(10)]
    except LowerBoundError as error:
        refusal, mu = str(error), 1.0
    tau = (T + own - 1) * exp(-lam.value * (1 - mu))
    return mu, played, refusal, tau


@app.cell
def reading(eta, np, played, tau):
    zero_at_most, one_at_least = (1 + eta.value) * tau, (1 - eta.value) * (1 - tau)
    is_promised = 2 * tau < 1 - eta.value
    threshold = (zero_at_most + one_at_least) / 2 if is_promised else 0.5
    wrong = [int(((answers > threshold) != bits).sum()) for bits, _, answers in played]
    bent = [  # what a cache may say that is off by eta as well, to Bob's harm
        int(((np.where(bits == 1, 1 - eta.value, 1 + eta.value) * answers > threshold) != bits).sum())
        for bits, _, answers in played
    ]
    return bent, is_promised, one_at_least, threshold, wrong, zero_at_most


@app.cell
def pyramid(T, counted, mo, played, refusal, schedule, token):
    def map_picture(scale, left):
        _height, _width = schedule.shapes[scale]
        side = 96 / _width
        start = schedule.prefix_tokens(scale)
        cells = []
        for row in range(_height):
            for column in range(_width):
                number = start + row * _width + column
                colour = "#D55E00" if number == token.value else "#56B4E9" if number >= T else "#bbbbbb"
                cells.append(
                    f'<rect x="{left + column * side:.1f}" y="{8 + row * side:.1f}" width="{side:.1f}" '
                    f'height="{side:.1f}" fill="{colour}" stroke="white"/>'
                )
        return "".join(cells)

    _maps = "".join(map_picture(scale, 8 + 116 * scale) for scale in range(schedule.n_scales))
    _w = 116 * schedule.n_scales + 8
    place = schedule.locate(token.value)
    mo.stop(bool(refusal) or not played, mo.callout(mo.md(f"This game cannot be played: {refusal}"), kind="warn"))
    mo.vstack(
        [
            mo.Html(
                f'<svg role="img" aria-label="pyramid of token maps" width="{_w}" style="max-width: 100%" '
                f'viewBox="0 0 {_w} 112">{_maps}</svg>'
            ),
            mo.md(
                f"Grey: the {counted(T, 'cached token')}, which only the bytes remember. Orange: token {token.value}, "
                f"at scale {place[0]}, row {place[1]}, column {place[2]}, which you ask for. Blue: the last map, your "
                "own, with values 0."
            ),
        ]
    )
    return


@app.cell
def answer(
    channel,
    guess,
    is_promised,
    lam,
    mo,
    mu,
    one_at_least,
    played,
    secret,
    tau,
    threshold,
    token,
    zero_at_most,
):
    mo.stop(not played)
    _bits, _, _answers = played[secret.value]
    said = float(_answers[token.value, channel.value])
    bit = int(_bits[token.value, channel.value])
    bob = int(said > threshold)

    def x(value):
        return 20 + 360 * min(max(value, 0.0), 1.0)

    _bands = ""
    if is_promised:
        _bands = (
            f'<rect x="{x(0)}" y="30" width="{x(zero_at_most) - x(0):.1f}" height="26" fill="#E69F00" opacity="0.45"/>'
            f'<rect x="{x(one_at_least):.1f}" y="30" width="{x(1) - x(one_at_least):.1f}" height="26" fill="#0072B2" '
            'opacity="0.45"/>'
            f'<text x="{x(0) + 4}" y="24" font-size="12" fill="currentColor">answers for 0</text>'
            f'<text x="{x(1) - 4}" y="24" font-size="12" text-anchor="end" fill="currentColor">answers for 1</text>'
        )
    _line = (
        f'<line x1="{x(0)}" y1="56" x2="{x(1)}" y2="56" stroke="currentColor"/>'
        f'<line x1="{x(threshold):.1f}" y1="26" x2="{x(threshold):.1f}" y2="62" stroke="currentColor" '
        'stroke-width="2" stroke-dasharray="4 3"/>'
        f'<text x="{x(threshold):.1f}" y="74" font-size="12" text-anchor="middle" fill="currentColor">threshold</text>'
        f'<circle cx="{x(said):.1f}" cy="43" r="7" fill="#D55E00" stroke="white"/>'
        f'<text x="{x(0)}" y="72" font-size="12" text-anchor="middle" fill="currentColor">0</text>'
        f'<text x="{x(1)}" y="72" font-size="12" text-anchor="middle" fill="currentColor">1</text>'
    )
    _told = (
        f"Query: λ times the key of token {token.value}; it leaks at most τ = {tau:.3g} to the others "
        f"(λ = {lam.value:g}, coherence {mu:g}). **The cache answers {said:.4f}; the threshold is {threshold:.4f}.**"
    )
    if not is_promised:
        _told += (
            " Here 2τ ≥ 1 − η: the answers for 0 and for 1 overlap, and no threshold is promised to work; 1/2 is tried."
        )
    _verdict = {
        "not yet": "Guess first; then you will see Alice's bit.",
        str(bit): f"Alice's bit is {bit}: you are right. The threshold says {bob}.",
    }.get(guess.value, f"Alice's bit is {bit}: you are wrong. The threshold says {bob}.")
    mo.vstack(
        [
            mo.Html(
                f'<svg role="img" aria-label="the answer on a line from 0 to 1" width="480" style="max-width: 100%" '
                f'viewBox="0 0 400 80">{_bands}{_line}</svg>'
            ),
            mo.md(_told),
            mo.md(_verdict),
        ]
    )
    return


@app.cell
def score(
    T,
    bent,
    clopper_pearson,
    d,
    floor_in_interval,
    mo,
    played,
    state_bits,
    wrong,
):
    mo.stop(not played)
    symbols = T * d.value
    _asked = symbols * len(played)
    _right, _at_worst = (f"{100 * (1 - sum(errors) / _asked):.1f}\u00a0%" for errors in (wrong, bent))
    used = max(state_bits(message) for _, message, _ in played)
    low, high = clopper_pearson(sum(wrong), _asked)
    floor = float(floor_in_interval(symbols, 2, low, high))
    assert used >= floor, "no cache can be under the floor"
    _scale = 560 / max(used, symbols)
    _bar = (
        f'<rect x="20" y="6" width="{used * _scale:.1f}" height="18" fill="#0072B2"/>'
        f'<rect x="20" y="30" width="{floor * _scale:.1f}" height="18" fill="#D55E00"/>'
        f'<line x1="{20 + symbols * _scale:.1f}" y1="2" x2="{20 + symbols * _scale:.1f}" y2="52" '
        'stroke="currentColor" stroke-dasharray="3 3"/>'
    )
    mo.vstack(
        [
            mo.md(
                f"**All {symbols} bits of all {len(played)} secrets:** {_right} are read right; {_at_worst} if every "
                "answer is off by η as well, to your harm."
            ),
            mo.Html(
                f'<svg role="img" aria-label="measured bits beside the floor" width="600" style="max-width: 100%" '
                f'viewBox="0 0 600 56">{_bar}</svg>'
            ),
            mo.md(
                f"Blue: the message, **{used} bits** (its bytes and a length of 64 bits). Orange: the floor, "
                f"**{floor:.0f} bits**, for the least error of its confidence interval [{float(low):.3f}, "
                f"{float(high):.3f}]. Dashed: T d = {symbols}, the floor without errors."
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def questions(log, mo, own, T):
    mo.md(
        f"""
        ## What to try

        1. Move the budget down until you misread. Which tokens are lost first, with each cache?
        2. Move λ down. Once λ(1 − μ) is below ln(2 · {T + own - 1}) = {log(2 * (T + own - 1)):.2f}, nothing is
           promised any more, not even for exact answers. Where do you really begin to misread?
        3. Move η up. The bands grow towards the threshold, and meet when 2τ = 1 − η.
        4. Which cache comes nearest to its floor? Is the blue bar ever shorter than the orange one? The theorem says
           no.
        """
    )
    return


if __name__ == "__main__":
    app.run()
