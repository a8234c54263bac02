from benchmarks import programs


def test_the_catalogue_of_generated_connectors_is_measured_and_none_is_imported() -> (
    None
):
    """Every one of them is found."""
    ours, libyaml, has_import = programs.discovery(2)
    assert ours > 0
    assert libyaml > 0
    assert not has_import
