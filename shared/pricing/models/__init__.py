"""One file a price. To add one: its file, its name in the union, its worked examples; every list of models is
made from the union."""

from typing import Annotated

from pydantic import Field

from shared.pricing.models.blocks import Blocks
from shared.pricing.models.flat import Flat
from shared.pricing.models.graduated import Graduated
from shared.pricing.models.graduated_percentage import GraduatedPercentage
from shared.pricing.models.matrix import Matrix
from shared.pricing.models.package import Package
from shared.pricing.models.per_unit import PerUnit
from shared.pricing.models.percentage import Percentage
from shared.pricing.models.volume import Volume

Price = Annotated[
    PerUnit | Graduated | Volume | Package | Matrix | Flat | Percentage | GraduatedPercentage | Blocks,
    Field(discriminator="model"),
]

__all__ = [
    "Blocks",
    "Flat",
    "Graduated",
    "GraduatedPercentage",
    "Matrix",
    "Package",
    "PerUnit",
    "Percentage",
    "Price",
    "Volume",
]
