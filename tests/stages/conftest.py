from tests.plan.conftest import plan_of
from tests.world import world

__all__ = ["plan_of", "world"]
