"""What tokens cost, by the public price lists that `genai-prices` carries. What is not known is None, never 0.

The lists are loaded by the first look at them: an operator looks now and then, and every start would wait for them.
"""

from decimal import Decimal
from functools import lru_cache

from threadline.records import Usage
from threadline.store.contract_usage import UsageSum


def cost_of(used: UsageSum) -> Decimal | None:
    """Return what the known attempts of a sum have cost, in US dollars; None where the price is not known.

    Some prices rise with the size of a request. A sum has lost those sizes: it is priced as
    that many equal requests.
    """
    if not used.known or used.input_tokens is None or used.output_tokens is None:
        return None
    cached = min(used.cached_input_tokens or 0, used.input_tokens)
    each = _price(used.model, used.input_tokens // used.known, used.output_tokens // used.known, cached // used.known)
    return None if each is None else each * used.known


def cost_of_attempt(model: str, usage: Usage) -> Decimal | None:
    """Return what one attempt has cost, in US dollars; None where the price or the tokens are not known."""
    if usage.input_tokens is None or usage.output_tokens is None:
        return None
    cached = min(usage.cached_input_tokens or 0, usage.input_tokens)
    return _price(model, usage.input_tokens, usage.output_tokens, cached)


@lru_cache(maxsize=4096)
def _price(model: str, input_tokens: int, output_tokens: int, cached: int) -> Decimal | None:
    from genai_prices import Usage as Priced
    from genai_prices import calc_price

    provider, _, name = model.partition("/")
    usage = Priced(input_tokens=input_tokens, output_tokens=output_tokens, cache_read_tokens=cached)
    try:
        return calc_price(usage, model_ref=name, provider_id=provider).total_price
    except LookupError:
        return None
