"""The flow of another project, on the same server."""

import time

from prefect import flow


@flow
def foreign() -> None:
    """Work for a long time."""
    time.sleep(3600)


if __name__ == "__main__":
    deployment = foreign.to_deployment("theirs", work_pool_name="theirs")
    deployment.entrypoint = "foreign_flow.foreign"
    deployment.apply()
