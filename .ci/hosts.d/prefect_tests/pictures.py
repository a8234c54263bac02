"""Pictures of Prefect's page: the form, the artifact of a table, and that of an answer. PICTURES is their folder."""

import json
import os
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Page, sync_playwright
from scene import Scene

FILLED = {
    "model": "sonar",
    "messages": [{"role": "user", "content": "How far away is the Moon?"}],
}
SIZE = {"width": 1280, "height": 800}


def take_pictures(scene: Scene) -> str:
    """Take all pictures; without PICTURES the pages are opened all the same."""
    base = scene.stage.api.removesuffix("/api")
    with sync_playwright() as playwright:
        program = os.environ.get("CHROMIUM", "/usr/bin/chromium")
        # Chromium has no sandbox of its own for root.
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox"]
        )
        page = browser.new_page(viewport=SIZE)
        _form(page, base, scene)
        for key, name in (("summary", "summary"), ("answer", "answer")):
            _artifact(page, base, scene, key, name)
        browser.close()
    return "the form and both artifacts are shown"


def _form(page: Page, base: str, scene: Scene) -> None:
    deployment = scene.stage.deployment("create_chat_completion/perplexity")
    values = quote(json.dumps(FILLED))
    page.goto(f"{base}/deployments/deployment/{deployment}/run?parameters={values}")
    page.locator(".schema-form-property").first.wait_for()
    _keep(page, "form")


def _artifact(page: Page, base: str, scene: Scene, key: str, name: str) -> None:
    wanted = {"artifacts": {"key": {"any_": [key]}}, "sort": "CREATED_DESC"}
    _, found = scene.stage.ask("/artifacts/filter", wanted)
    assert found, key
    page.goto(f"{base}/artifacts/artifact/{found[0]['id']}")
    # The first one is an empty description.
    page.locator(".markdown-renderer:visible").first.wait_for()
    _keep(page, name)


def _keep(page: Page, name: str) -> None:
    page.wait_for_timeout(1500)
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=Path(folder) / f"prefect-{name}.png")
