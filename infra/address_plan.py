"""How a site's address range is divided between its subnets. Pure arithmetic."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

LONGEST_PREFIX = 20
"""A smaller range leaves a private subnet under 1024 addresses, and every pod on EKS takes one of its own."""
SHORTEST_PREFIX = 16
"""The largest range that a VPC may have (Amazon VPC user guide, "VPC CIDR blocks")."""
MOST_ZONES = 3


@dataclass(frozen=True)
class AddressPlan:
    """The ranges of one site; position in each tuple is the zone."""

    network: ipaddress.IPv4Network
    private: tuple[ipaddress.IPv4Network, ...]
    public: tuple[ipaddress.IPv4Network, ...]
    database: tuple[ipaddress.IPv4Network, ...]

    @property
    def subnets(self) -> tuple[ipaddress.IPv4Network, ...]:
        return (*self.private, *self.public, *self.database)


def plan(network: ipaddress.IPv4Network, zones: int) -> AddressPlan:
    """A quarter of the range for each zone's private subnet; the last quarter in eighths: four public, four database.

    The position of a range does not depend on the number of zones, so that adding the third one moves nothing.
    Of a /16 that is /18 (private) and /21 (public, database); of a /20, /22 and /25.
    """
    if not SHORTEST_PREFIX <= network.prefixlen <= LONGEST_PREFIX:
        raise ValueError(f"{network} is not between /{SHORTEST_PREFIX} and /{LONGEST_PREFIX}")
    if not 1 <= zones <= MOST_ZONES:
        raise ValueError(f"{zones} zones do not fit: the plan has room for {MOST_ZONES}")
    quarters = list(network.subnets(prefixlen_diff=2))
    eighths = list(quarters[3].subnets(prefixlen_diff=3))
    return AddressPlan(
        network=network,
        private=tuple(quarters[:zones]),
        public=tuple(eighths[:zones]),
        database=tuple(eighths[4 : 4 + zones]),
    )
