"""Training recipes: the record, the named ones, and the report's results to compare with."""

from cifarzoo.recipes.named import get, names
from cifarzoo.recipes.recipe import Recipe
from cifarzoo.recipes.report import REPORT, ReportRow

__all__ = ["REPORT", "Recipe", "ReportRow", "get", "names"]
