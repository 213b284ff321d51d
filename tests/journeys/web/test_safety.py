"""Two people compare one number: side by side with the camera, or by reading it."""

import pytest
from playwright.async_api import expect
from web_stage import Stage, account_of
from web_window import Window

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

CAMERA = """
([path, size]) => {
  const scale = 8;
  const canvas = Object.assign(document.createElement("canvas"), { width: size * scale, height: size * scale });
  const pen = canvas.getContext("2d");
  const paint = () => {
    pen.resetTransform();
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.scale(scale, scale);
    pen.fillStyle = "#000";
    pen.fill(new Path2D(path));
    requestAnimationFrame(paint);
  };
  paint();
  navigator.mediaDevices.getUserMedia = async () => canvas.captureStream(10);
}
"""


async def pair(stage: Stage) -> tuple[Window, Window, dict[str, str]]:
    """Two people in a circle, each with the page about the other open; their account ids by name."""
    nurse = await stage.member("Nadia Ferrand")
    doctor = await stage.member("Denis Quéré")
    circle, colleague = await stage.circle("Mme Deux", nurse, doctor)
    ids = {one.name: await account_of(colleague, one.name) for one in (nurse, doctor)}
    for one, other in ((nurse, doctor), (doctor, nurse)):
        await one.go(f"circle/{circle.circle}/members/{ids[other.name]}")
        await one.page.locator(".digits").wait_for()
    return nurse, doctor, {"circle": circle.circle, **ids}


async def digits(window: Window) -> str:
    return " ".join(await window.page.locator(".digits span").all_inner_texts())


async def point_camera(window: Window, at: Window) -> None:
    """The one's camera sees the QR code on the other's screen."""
    svg = at.page.locator("qr-code svg")
    path = await svg.locator("path").get_attribute("d")
    box = await svg.get_attribute("viewBox")
    assert path is not None
    assert box is not None
    await window.page.evaluate(CAMERA, [path, int(box.split()[2])])


async def test_both_see_one_number_and_whoever_scans_it_has_verified_the_other(
    stage: Stage,
) -> None:
    nurse, doctor, _ = await pair(stage)
    number = await digits(nurse)
    assert len(number.split()) == 12
    assert await digits(doctor) == number

    await point_camera(nurse, at=doctor)
    await nurse.button("safety.scan").click()
    await expect(nurse.page.locator(".notice", has_text="personne ne s’est glissé")).to_be_visible()
    await nurse.page.reload()
    await expect(nurse.page.locator(".notice", has_text="personne ne s’est glissé")).to_be_visible()
    await expect(doctor.page.locator(".notice", has_text="glissé")).to_have_count(0)


async def test_the_number_of_another_pair_is_told_as_different(stage: Stage) -> None:
    nurse, doctor, _ = await pair(stage)
    _, stranger, _ = await pair(stage)
    await point_camera(nurse, at=stranger)
    await nurse.button("safety.scan").click()
    await expect(nurse.text("safety.differs")).to_be_visible()
    await expect(nurse.page.locator(".notice", has_text="glissé")).to_have_count(0)
    await doctor.page.close()


async def test_a_device_that_comes_after_the_comparison_shows_until_it_is_compared_again(
    stage: Stage,
) -> None:
    nurse, doctor, known = await pair(stage)
    before = await digits(nurse)
    await nurse.button("safety.same").click()
    await expect(nurse.page.locator(".notice", has_text="glissé")).to_be_visible()

    await nurse.go(f"circle/{known['circle']}/members")
    changed = nurse.page.locator("members-page li").filter(has_text=doctor.name)
    await expect(changed.get_by_text(nurse.words("safety.mark.verified"))).to_be_visible()
    await doctor.go("kit")
    await doctor.button("kit.make").click()
    await expect(doctor.page.locator(".kit-sheet .words li")).to_have_count(24)
    await expect(changed.get_by_text(nurse.words("safety.mark.changed"))).to_be_visible()
    await changed.get_by_role("link", name=nurse.words("safety.verify", name=doctor.name)).click()
    await expect(nurse.page.locator(".notice.wait", has_text="arrivé ou parti")).to_be_visible()
    assert await digits(nurse) != before
    await nurse.button("safety.same").click()
    await expect(nurse.page.locator(".notice", has_text="glissé")).to_be_visible()
