"""VPC endpoints and flow logs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from sandbox.provider.core.resource import ResourceError
from sandbox.provider.core.values import Properties
from sandbox.provider.services.ec2_common import MINUTE, Ec2Resource, exactly_one, tags_of
from sandbox.provider.services.refusals import Failure, only

_LISTS: Final = {"routeTableIds": "RouteTableIds", "subnetIds": "SubnetIds", "securityGroupIds": "SecurityGroupIds"}


class VpcEndpoint(Ec2Resource):
    """A way to a service of AWS (or to a partner's) that does not leave the VPC."""

    token = "aws:ec2/vpcEndpoint:VpcEndpoint"  # noqa: S105
    missing = frozenset({"InvalidVpcEndpointId.NotFound", "InvalidVpcEndpoint.NotFound"})
    tag_type = "vpc-endpoint"
    defaults: ClassVar = {"vpcEndpointType": "Gateway"}
    also_computed = frozenset({"privateDnsEnabled", "ipAddressType", "dnsOptions", "subnetConfigurations"})
    unordered = frozenset(_LISTS)
    json_documents = frozenset({"policy"})
    refused = frozenset(
        {
            "autoAccept",
            "dnsOptions",
            "ipAddressType",
            "resourceConfigurationArn",
            "serviceNetworkArn",
            "serviceRegion",
            "subnetConfigurations",
        }
    )
    timeouts: ClassVar = {"create": 10 * MINUTE, "update": 10 * MINUTE, "delete": 10 * MINUTE}

    @classmethod
    def check(cls, inputs: Properties) -> list[Failure]:
        found = super().check(inputs) + only(inputs, "vpcEndpointType", ("Gateway", "Interface", "GatewayLoadBalancer"))
        if not inputs.get("serviceName"):
            found.append(("serviceName", '"serviceName" is required: write it like com.amazonaws.us-east-1.s3'))
        return found

    @classmethod
    def same(cls, path: str, old: Any, new: Any) -> bool | None:
        del old
        # an empty policy is one that the program does not set: the service's own then stays
        return True if path == "policy" and new == "" else None

    @classmethod
    def replaces(cls, path: str, old: Properties, new: Properties) -> bool | None:
        del old
        return new.get("vpcEndpointType") != "Interface" if path == "privateDnsEnabled" else None

    def create(self, inputs: Properties) -> str:
        request: dict[str, Any] = {theirs: inputs[ours] for ours, theirs in _LISTS.items() if inputs.get(ours)}
        if inputs.get("policy"):
            request["PolicyDocument"] = inputs["policy"]
        made = self.client.create_vpc_endpoint(
            VpcId=inputs["vpcId"],
            ServiceName=inputs["serviceName"],
            VpcEndpointType=inputs["vpcEndpointType"],
            PrivateDnsEnabled=bool(inputs.get("privateDnsEnabled")),
            **request,
            **self.tag_specifications(inputs),
        )["VpcEndpoint"]
        endpoint_id = str(made["VpcEndpointId"])
        self.call.made(endpoint_id)
        if made.get("State", "").lower() != "available":
            self._await(endpoint_id)
        return endpoint_id

    def read(self, resource_id: str, state: Properties) -> Properties | None:
        del state
        found = self._find(resource_id)
        if found is None or found["State"].lower() == "deleted":
            return None
        kind = found["VpcEndpointType"]
        prefixes = self._prefix_list(found["ServiceName"]) if kind == "Gateway" else {}
        return {
            "id": resource_id,
            "arn": self.arn("vpc-endpoint", resource_id, found.get("OwnerId")),
            "ownerId": found.get("OwnerId"),
            "vpcId": found["VpcId"],
            "serviceName": found["ServiceName"],
            "vpcEndpointType": kind,
            "state": found["State"],
            "policy": found.get("PolicyDocument"),
            "privateDnsEnabled": found.get("PrivateDnsEnabled", False),
            "ipAddressType": found.get("IpAddressType"),
            "requesterManaged": found.get("RequesterManaged", False),
            "routeTableIds": sorted(found.get("RouteTableIds", [])),
            "subnetIds": sorted(found.get("SubnetIds", [])),
            "securityGroupIds": sorted(group["GroupId"] for group in found.get("Groups", [])),
            "networkInterfaceIds": sorted(found.get("NetworkInterfaceIds", [])),
            "dnsEntries": [_dns_entry(entry) for entry in found.get("DnsEntries", [])],
            "prefixListId": prefixes.get("PrefixListId"),
            "cidrBlocks": sorted(prefixes.get("Cidrs", [])),
            **tags_of(found),
        }

    def update(self, resource_id: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
        if "tags" in changed:
            self.retag(resource_id, old, new)
        request: dict[str, Any] = {}
        for ours, theirs in _LISTS.items():
            if ours in changed:
                before, after = set(old.get(ours) or ()), set(new.get(ours) or ())
                request |= {f"Add{theirs}": sorted(after - before)} if after - before else {}
                request |= {f"Remove{theirs}": sorted(before - after)} if before - after else {}
        if "policy" in changed:
            request["PolicyDocument"] = new["policy"]
        if "privateDnsEnabled" in changed:
            request["PrivateDnsEnabled"] = bool(new.get("privateDnsEnabled"))
        if request:
            self.client.modify_vpc_endpoint(VpcEndpointId=resource_id, **request)
            self._await(resource_id)

    def delete(self, resource_id: str, state: Properties) -> None:
        del state
        answer = self.tolerate(lambda: self.client.delete_vpc_endpoints(VpcEndpointIds=[resource_id]))
        for failure in (answer or {}).get("Unsuccessful", []):
            error = failure.get("Error", {})
            if error.get("Code") not in self.missing:
                raise ResourceError(f"VPC endpoint {resource_id}: {error.get('Code')}: {error.get('Message', '')}")
        if answer is not None:
            self.await_state(f"VPC endpoint {resource_id}", lambda: self._state(resource_id), "deleted")

    def _find(self, endpoint_id: str) -> dict[str, Any] | None:
        return self.one("describe_vpc_endpoints", "VpcEndpoints", VpcEndpointIds=[endpoint_id])

    def _state(self, endpoint_id: str) -> tuple[str, str]:
        found = self._find(endpoint_id) or {}
        return str(found.get("State", "deleted")).lower(), str(found.get("LastError", {}).get("Message", ""))

    def _await(self, endpoint_id: str) -> None:
        self.await_state(f"VPC endpoint {endpoint_id}", lambda: self._state(endpoint_id), "available")

    def _prefix_list(self, service_name: str) -> dict[str, Any]:
        named = {"Name": "prefix-list-name", "Values": [service_name]}
        return self.one("describe_prefix_lists", "PrefixLists", Filters=[named]) or {}


def _dns_entry(entry: Mapping[str, str]) -> Properties:
    return {"dnsName": entry.get("DnsName"), "hostedZoneId": entry.get("HostedZoneId")}


_WATCHED: Final = {"vpcId": "VPC", "subnetId": "Subnet", "eniId": "NetworkInterface"}
"""What a flow log can watch, and EC2's name of its type."""
_BY_PREFIX: Final = {"vpc": "vpcId", "subnet": "subnetId", "eni": "eniId"}


class FlowLog(Ec2Resource):
    """The record of a network's traffic. Any change but that of tags makes a new one."""

    token = "aws:ec2/flowLog:FlowLog"  # noqa: S105
    missing = frozenset({"InvalidFlowLogId.NotFound"})
    tag_type = "vpc-flow-log"
    defaults: ClassVar = {"logDestinationType": "cloud-watch-logs", "maxAggregationInterval": 600}
    refused = frozenset(
        {
            "deliverCrossAccountRole",
            "destinationOptions",
            "regionalNatGatewayId",
            "tagFieldSpecifications",
            "transitGatewayAttachmentId",
            "transitGatewayId",
        }
    )

    @classmethod
    def check(cls, inputs: Properties) -> list[Failure]:
        found = super().check(inputs)
        if not found:
            found += exactly_one(inputs, _WATCHED)
        if not inputs.get("trafficType"):
            found.append(("trafficType", '"trafficType" is required: ACCEPT, REJECT or ALL'))
        found += only(inputs, "trafficType", ("ACCEPT", "REJECT", "ALL"))
        found += only(inputs, "logDestinationType", ("cloud-watch-logs", "s3", "kinesis-data-firehose"))
        return found + only(inputs, "maxAggregationInterval", (60, 600))

    def create(self, inputs: Properties) -> str:
        request = {
            theirs: inputs[ours]
            for ours, theirs in (
                ("iamRoleArn", "DeliverLogsPermissionArn"),
                ("logDestination", "LogDestination"),
                ("logFormat", "LogFormat"),
            )
            if inputs.get(ours)
        }
        watched = next(name for name in _WATCHED if inputs.get(name))
        answer = self.client.create_flow_logs(
            ResourceIds=[inputs[watched]],
            ResourceType=_WATCHED[watched],
            TrafficType=inputs["trafficType"],
            LogDestinationType=inputs["logDestinationType"],
            MaxAggregationInterval=inputs["maxAggregationInterval"],
            **request,
            **self.tag_specifications(inputs),
        )
        for failure in answer.get("Unsuccessful", []):
            error = failure.get("Error", {})
            raise ResourceError(f"flow log of {inputs[watched]}: {error.get('Code')}: {error.get('Message', '')}")
        flow_log_id = str(answer["FlowLogIds"][0])
        self.call.made(flow_log_id)
        return flow_log_id

    def read(self, resource_id: str, state: Properties) -> Properties | None:
        del state
        found = self.one("describe_flow_logs", "FlowLogs", FlowLogIds=[resource_id])
        if found is None:
            return None
        watched = str(found["ResourceId"])
        return {
            "id": resource_id,
            "arn": self.arn("vpc-flow-log", resource_id),
            _BY_PREFIX[watched.partition("-")[0]]: watched,
            "trafficType": found.get("TrafficType"),
            "logDestinationType": found.get("LogDestinationType"),
            "logDestination": found.get("LogDestination"),
            "iamRoleArn": found.get("DeliverLogsPermissionArn"),
            "logFormat": found.get("LogFormat"),
            "maxAggregationInterval": found.get("MaxAggregationInterval"),
            **tags_of(found),
        }

    def update(self, resource_id: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
        if "tags" in changed:
            self.retag(resource_id, old, new)

    def delete(self, resource_id: str, state: Properties) -> None:
        del state
        self.tolerate(lambda: self.client.delete_flow_logs(FlowLogIds=[resource_id]))


KINDS: Final = (VpcEndpoint, FlowLog)
