"""Matters (办件): objections, complaints and credit repair, from the day they arrive until they are closed."""

from registry.matters.book import find_recused, get_matter, link_record, register_matter, take_step
from registry.matters.checking import Arrival, Given
from registry.matters.complaints import answer_complaint, read_complaint, take_unit_answer
from registry.matters.content import Content, Note, matter_context, read_content, read_notes
from registry.matters.fulfilling import close_corrected, close_fulfilled
from registry.matters.lists import MatterLine, list_closed, list_of_record, list_open, list_routed
from registry.matters.states import Channel, Claim, MatterKind, MatterRefused, MatterState, Remedy, Step

__all__ = [
    "Arrival",
    "Channel",
    "Claim",
    "Content",
    "Given",
    "MatterKind",
    "MatterLine",
    "MatterRefused",
    "MatterState",
    "Note",
    "Remedy",
    "Step",
    "answer_complaint",
    "close_corrected",
    "close_fulfilled",
    "find_recused",
    "get_matter",
    "link_record",
    "list_closed",
    "list_of_record",
    "list_open",
    "list_routed",
    "matter_context",
    "read_complaint",
    "read_content",
    "read_notes",
    "register_matter",
    "take_step",
    "take_unit_answer",
]
