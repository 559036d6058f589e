"""Invented people, plates and terms of the demonstration. Nobody here exists."""

from __future__ import annotations

from typing import Any

OFFICERS = {
    "fr": [
        ("claire", "Claire Vasseur", "liaison,analyst", "fr"),
        ("henri", "Henri Dumas", "approver,prosecutor", "fr"),
        ("colette", "Colette Marchand", "senior", "fr"),
        ("audit-fr", "Sylvie Aubry", "auditor,data_protection", "fr"),
        ("admin-fr", "Gilles Perrin", "administrator", "fr"),
    ],
    "it": [
        ("paolo", "Paolo Ferrante", "liaison,analyst", "fr"),
        ("lucia", "Lucia Morandi", "approver,prosecutor", "fr"),
    ],
    "ma": [
        ("nadia", "نادية العمراني", "liaison,analyst", "ar"),
        ("rachid", "رشيد التازي", "duty", "ar"),
        ("driss", "إدريس بنعلي", "approver,prosecutor", "ar"),
        ("audit-ma", "سعاد الفاسي", "auditor,data_protection", "ar"),
        ("admin-ma", "سمير بناني", "administrator", "ar"),
    ],
}

SUBJECTS: dict[str, list[dict[str, Any]]] = {
    "ma": [
        {
            "schema": "Person",
            "discoverability": "hit",
            "properties": {
                "name": ["يوسف بن حمّو الزياني", "Youssef Ben Hammou Ziani"],
                "alias": ["النسر"],
                "birthDate": ["1984-03-17"],
                "nationality": ["ma"],
                "passportNumber": ["XK4471902"],
                "phone": ["+212600000417"],
            },
        },
        {
            "schema": "Person",
            "discoverability": "contact",
            "properties": {
                "name": ["كريم الإدريسي الوزاني", "Karim Idrissi Ouazzani"],
                "birthDate": ["1979"],
                "nationality": ["ma"],
            },
        },
        {
            "schema": "Person",
            "discoverability": "none",
            "properties": {"name": ["سمير الطالبي", "Samir Talbi"], "birthDate": ["1990-11-02"], "nationality": ["ma"]},
        },
    ],
    "it": [
        {
            "schema": "Person",
            "discoverability": "hit",
            "properties": {
                "name": ["Karim Idrissi"],
                "birthDate": ["1979-06-30"],
                "nationality": ["ma"],
                "phone": ["+390600000555"],
            },
        },
        {
            "schema": "Vessel",
            "discoverability": "hit",
            "properties": {"name": ["Stella del Mattino"], "imoNumber": ["9074729"], "flag": ["it"]},
        },
    ],
    "fr": [
        {
            "schema": "Person",
            "discoverability": "hit",
            "properties": {
                "name": ["Youssef Zyani"],
                "birthDate": ["1984"],
                "nationality": ["ma"],
                "phone": ["+33600000017"],
            },
        },
    ],
}

CATEGORIES = {
    "suspect": "permit",
    "convicted": "permit",
    "potential_offender": "permit",
    "contact": "permit",
    "missing": "permit",
    "victim": "approval",
    "witness": "approval",
    "information_provider": "never",
}


def terms(parties: list[str], title: dict[str, str], *, bilateral: bool) -> dict[str, Any]:
    """The terms of one of the demonstration's accords, complete and readable."""
    return {
        "v": 1,
        "title": title,
        "parties": sorted(parties),
        "kinds": ["alert", "alert_hit", "channel", "deconfliction", "report", "request"],
        "purposes": ["investigation", "prevention", "detection", "prosecution"],
        "crime_areas": ["*"],
        "max_level": 1,
        "handling_allowed": ["H0", "H1", "H2", "H3"],
        "categories": CATEGORIES,
        "flags": {"minor": "approval"},
        "onward": "consent",
        "evidence": "consent",
        "urgent": "permit",
        "search": {"mode": "hit", "budget_per_day": 500 if bilateral else 200},
        "blind": {
            "families": ["identifier", "pair_day", "word_day"],
            "budget_per_day": 500,
            "budget_per_officer": 100,
            "cells_per_day": 200_000,
        },
        "approvals": []
        if not bilateral
        else [
            {
                "clause": "Art. 9(2)",
                "when": {"kinds": ["request"], "acts": ["answer"], "urgent": None, "level_at_least": 1},
                "role": "approver",
            }
        ],
        "human_rights": [
            {
                "clause": "Art. 14",
                "issue": "death_penalty",
                "acts": [],
                "states": ["*"],
                "outcome": "assurance",
                "role": None,
            }
        ],
        "retention_days": 1825,
        "review_days": 1095,
        "in_force_from": "2026-01-01T00:00:00.000Z",
        "clauses": {
            "kinds": "Art. 2",
            "purposes": "Art. 3",
            "crime_areas": "Art. 4",
            "max_level": "Art. 5",
            "categories": "Art. 6",
            "search": "Art. 7",
            "blind": "Art. 7(3)",
            "urgent": "Art. 8",
            "onward": "Art. 11",
            "evidence": "Art. 12",
        },
    }
