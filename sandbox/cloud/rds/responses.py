"""The API's calls: from moto's parsed request to ours, and back. Clusters, proxies and the like stay moto's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from moto.core.responses import ActionResult
from moto.rds.responses import RDSResponse

from sandbox.cloud.rds import catalog, parameters, wire
from sandbox.cloud.rds.automated import AutomatedBackup
from sandbox.cloud.rds.backend import SandboxRdsBackend
from sandbox.cloud.rds.describing import describe_instances, page
from sandbox.cloud.rds.errors import error, invalid_value, parameter_group_not_found
from sandbox.cloud.rds.model import Instance
from sandbox.cloud.rds.parameters import IMMEDIATE, Change
from sandbox.cloud.rds.request import Request
from sandbox.cloud.rds.rules import ENGINE
from sandbox.cloud.rds.system import RdsSystem


class SandboxRdsResponse(RDSResponse):  # type: ignore[misc]
    """moto finds an action's method by its name in snake case."""

    @property
    def _system(self) -> RdsSystem:
        return SandboxRdsBackend.system

    @property
    def _request(self) -> Request:
        parsed = self.params  # a plain dictionary where the call has no parameters at all
        return Request(self._get_action(), parsed.original_dict() if hasattr(parsed, "original_dict") else parsed)

    # -- instances ------------------------------------------------------------------------------------------------

    def create_db_instance(self) -> ActionResult:
        return self._instance(self._system.provisioning.create(self.region, self._request))

    def create_db_instance_read_replica(self) -> ActionResult:
        return self._instance(self._system.provisioning.create_replica(self.region, self._request))

    def restore_db_instance_from_db_snapshot(self) -> ActionResult:
        return self._instance(self._system.restoring.restore_snapshot(self.region, self._request))

    def restore_db_instance_to_point_in_time(self) -> ActionResult:
        return self._instance(self._system.restoring.restore_point_in_time(self.region, self._request))

    def promote_read_replica(self) -> ActionResult:
        return self._instance(self._system.changes.promote(self.region, self._request))

    def modify_db_instance(self) -> ActionResult:
        return self._instance(self._system.modification.modify(self.region, self._request))

    def reboot_db_instance(self) -> ActionResult:
        return self._instance(self._system.changes.reboot(self.region, self._request))

    def stop_db_instance(self) -> ActionResult:
        return self._instance(self._system.changes.stop(self.region, self._request))

    def start_db_instance(self) -> ActionResult:
        return self._instance(self._system.changes.start(self.region, self._request))

    def delete_db_instance(self) -> ActionResult:
        return self._instance(self._system.changes.delete(self.region, self._request))

    def describe_db_instances(self) -> ActionResult:
        found = describe_instances(self._system, self.region, self._request)
        return self._page("DBInstances", [self._describe(item) for item in found])

    # -- snapshots ------------------------------------------------------------------------------------------------

    def create_db_snapshot(self) -> ActionResult:
        return ActionResult({"DBSnapshot": wire.snapshot(self._system.snapshots.create(self.region, self._request))})

    def copy_db_snapshot(self) -> ActionResult:
        return ActionResult({"DBSnapshot": wire.snapshot(self._system.snapshots.copy(self.region, self._request))})

    def delete_db_snapshot(self) -> ActionResult:
        return ActionResult({"DBSnapshot": wire.snapshot(self._system.snapshots.delete(self.region, self._request))})

    def describe_db_snapshots(self) -> ActionResult:
        found = self._system.snapshots.describe(self.region, self._request)
        return self._page("DBSnapshots", [wire.snapshot(item) for item in found])

    # -- automated backups ----------------------------------------------------------------------------------------

    def start_db_instance_automated_backups_replication(self) -> ActionResult:
        return self._backup(self._system.backup_replication.start(self.region, self._request))

    def stop_db_instance_automated_backups_replication(self) -> ActionResult:
        return self._backup(self._system.backup_replication.stop(self.region, self._request))

    def delete_db_instance_automated_backup(self) -> ActionResult:
        return self._backup(self._system.backup_replication.delete(self.region, self._request))

    def describe_db_instance_automated_backups(self) -> ActionResult:
        found = self._system.backup_replication.describe(self.region, self._request)
        return self._page("DBInstanceAutomatedBackups", [self._describe_backup(item) for item in found])

    # -- what there is --------------------------------------------------------------------------------------------

    def describe_db_engine_versions(self) -> ActionResult:
        return self._page("DBEngineVersions", catalog.engine_versions(self._request, self._version))

    def describe_orderable_db_instance_options(self) -> ActionResult:
        request = self._request
        if request.text("Engine") != ENGINE:
            return super().describe_orderable_db_instance_options()
        options = catalog.orderable_options(request, self.region, self._version)
        return self._page("OrderableDBInstanceOptions", options)

    # -- parameter groups -----------------------------------------------------------------------------------------

    def modify_db_parameter_group(self) -> ActionResult:
        request = self._request
        changes = [
            Change(item.required("ParameterName"), item.text("ParameterValue") or "", _is_immediate(item))
            for item in request.items("Parameters")
        ]
        return self._changed(request, changes)

    def reset_db_parameter_group(self) -> ActionResult:
        request = self._request
        listed = request.items("Parameters")
        if listed and request.flag("ResetAllParameters") is not True:
            changes = [Change(item.required("ParameterName"), None, _is_immediate(item)) for item in listed]
        else:
            group = self._group(request)
            changes = [
                Change(name, None, parameters.definitions()[name].apply_type == "dynamic") for name in group.parameters
            ]
        return self._changed(request, changes)

    def describe_db_parameters(self) -> ActionResult:
        request = self._request
        group = self._group(request)
        return self._page("Parameters", parameters.describe(group.parameters, request.text("Source")))

    # -- inside ---------------------------------------------------------------------------------------------------

    def _group(self, request: Request) -> Any:
        name = request.required("DBParameterGroupName")
        group = self.backend.db_parameter_groups.get(name)
        if group is None:
            raise parameter_group_not_found(name)
        return group

    def _changed(self, request: Request, changes: Sequence[Change]) -> ActionResult:
        name = request.required("DBParameterGroupName")
        self.backend.change_parameters(name, changes)
        return ActionResult({"DBParameterGroupName": name.lower()})

    def _instance(self, item: Instance) -> ActionResult:
        return ActionResult({"DBInstance": self._describe(item)})

    def _describe(self, item: Instance) -> wire.Wire:
        service = self._system.service
        with service.lock:
            groups = service.region(item.region).groups
            return wire.instance(item, groups, service.replicas_of(item), service.backups_of(item))

    def _backup(self, item: AutomatedBackup) -> ActionResult:
        return ActionResult({"DBInstanceAutomatedBackup": self._describe_backup(item)})

    def _describe_backup(self, item: AutomatedBackup) -> wire.Wire:
        service = self._system.service
        with service.lock:
            copies = service.backups_of(item.instance) if item.instance is not None and not item.replicated else []
            return wire.automated_backup(item, [copy for copy in copies if copy.replicated])

    @property
    def _version(self) -> str:
        return self._system.service.environment.installation.version

    def _page(self, member: str, items: Sequence[wire.Wire]) -> ActionResult:
        shown, marker = page(self._request, items)
        return ActionResult({member: shown, "Marker": marker})


def _is_immediate(item: Request) -> bool:
    method = item.text("ApplyMethod") or parameters.PENDING_REBOOT
    if method not in {IMMEDIATE, parameters.PENDING_REBOOT}:
        raise invalid_value(f"Invalid apply method: {method}; allowed are immediate and pending-reboot.")
    return method == IMMEDIATE


def _not_implemented(self: SandboxRdsResponse) -> ActionResult:
    raise error("InvalidAction", f"The sandbox's RDS does not implement {self._request.action}.")


# moto answers these from its own instances, of which there are none.
for _action in (
    "add_role_to_db_instance",
    "create_blue_green_deployment",
    "create_db_cluster",
    "describe_db_log_files",
    "register_db_proxy_targets",
    "start_export_task",
):
    setattr(SandboxRdsResponse, _action, _not_implemented)
