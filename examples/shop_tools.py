"""Python functions as tools: `threadline serve --tools shop_tools` in this folder."""

from msgspec import Struct

from threadline.tools import Call, ToolError, tool


class Order(Struct):
    """What a customer has ordered."""

    number: str
    item: str
    paid: float


ORDERS = {"A-1": Order("A-1", "lamp", 49.0), "A-2": Order("A-2", "chair", 120.0)}


@tool(idempotent=True)
def find_order(number: str) -> Order:
    """Find an order by its number.

    Args:
        number: As it stands on the receipt, such as A-1.
    """
    if number not in ORDERS:
        raise ToolError(f"There is no order {number}.")
    return ORDERS[number]


@tool(approval=lambda input: input["paid"] > 100)
async def change_price(number: str, paid: float, call: Call) -> str:
    """Change what was paid for an order. Over 100 a person has to agree.

    Args:
        number: As it stands on the receipt.
        paid: The new price.
        call: Who asks; not shown to the model.
    """
    ORDERS[number] = Order(number, find_order(number).item, paid)
    return f"{call.end_user_id or 'Somebody'} now pays {paid:.2f}."
