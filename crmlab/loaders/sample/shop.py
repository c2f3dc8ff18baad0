"""The history of a shop: every table of the contract, and the truth."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from crmlab.loaders.sample import anomalies, campaigns, contacts, orders, pipeline, surveys, tickets
from crmlab.loaders.sample.catalogue import goods
from crmlab.loaders.sample.chance import conform, generators
from crmlab.loaders.sample.people import persons
from crmlab.loaders.sample.purchases import process
from crmlab.loaders.sample.records import records, truth
from crmlab.loaders.sample.segments import SHOP
from crmlab.loaders.sample.words import Words

Tables = dict[str, pd.DataFrame]


def shop(customers: int, seed: int, words: Words, progress: Callable[[str], None]) -> tuple[Tables, Tables]:
    """All tables of a shop's history, clean, and the truth about them."""
    chance = generators(seed)

    progress("customers")
    catalogue = goods(chance["catalogue"], words)
    people = persons(chance["persons"], customers, words, SHOP)
    bought, dropped_out = process(chance["purchases"], people)
    filed = records(chance["duplicates"], people, bought, words)
    consents = contacts.consents(chance["consents"], filed, words)

    progress("orders")
    runs = campaigns.run(chance["campaigns"], people, consents, filed, SHOP)
    odd = anomalies.odd_orders(chance["anomalies"], people)
    heads = orders.gather(
        chance["baskets"], bought, campaigns.orders_in(runs), odd, people, filed, SHOP, words
    )
    heads, lines = orders.fill(chance["baskets"], heads, people, catalogue, SHOP, words)
    events = campaigns.events(runs, heads, lines)

    progress("contacts")
    staff = contacts.staff(chance["staff"], customers, words)
    seen = tickets.tickets(chance["tickets"], bought, filed, staff, words)
    met = contacts.interactions(chance["interactions"], people, bought, seen, filed, staff, SHOP, words)
    met, odd_contacts = anomalies.odd_contacts(chance["anomalies"], met, staff, words)
    leads = pipeline.leads(chance["leads"], people, filed, catalogue, words)
    deals, win_rates, stages = pipeline.opportunities(
        chance["opportunities"], people, filed, staff, catalogue, words
    )

    progress("surveys")
    answers = surveys.surveys(chance["surveys"], people, bought, seen, filed, SHOP, words)

    tables = {
        "customers": conform(filed, "customers"),
        "orders": orders.table(heads, lines, catalogue),
        "products": catalogue.products,
        "interactions": contacts.in_order(met),
        "leads": leads,
        "opportunities": deals,
        "tickets": tickets.log_of(seen, words),
        "surveys": answers,
        "campaigns": campaigns.table(words),
        "campaign_events": events,
        "staff": staff,
        "consents": contacts.consent_table(consents, campaigns.unsubscribed(events, words)),
    }
    about_customers = truth(filed, people, dropped_out, SHOP)
    spend = orders.mean_spend(people, heads, lines)
    about_customers["customers"]["mean_spend"] = spend[filed["person"]]
    return tables, {
        **about_customers,
        "orders": heads[["order_id", "origin"]].reset_index(drop=True),
        "affinity": catalogue.affinity(),
        "pipeline": win_rates,
        "stages": stages,
        **tickets.truth(seen, words),
        **surveys.truth(SHOP, words),
        **campaigns.truth(runs),
        "anomalies": pd.concat([anomalies.odd_orders_truth(heads), odd_contacts], ignore_index=True),
    }
