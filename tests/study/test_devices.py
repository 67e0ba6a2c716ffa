from batchmark.study.devices import resolve_devices


def test_gpus_of_other_machines_are_believed() -> None:
    assert resolve_devices(["cpu", "gpu"], None) == ["cpu", "gpu"]
    assert resolve_devices("auto", None) == ["cpu"]
