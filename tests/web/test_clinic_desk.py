"""The clinic as a desk: look, measure, name the fault, repair; the verdict in view."""

import pytest

from course_lib import results
from course_lib.classroom import explore
from course_lib.experiments import clinic


@pytest.fixture(scope="module")
def stored():
    return results.load("clinic")


def fault_of(stored, number):
    return clinic.case(explore.patients(stored)[number - 1])


@pytest.mark.parametrize("width, dark", [(1280, False), (800, True), (390, False)])
def test_from_a_wrong_guess_to_the_repair(page_of, fits, accessible, stored, width, dark):
    page = page_of(explore.pipeline_clinic(stored), width=width, dark=dark)
    right, wrong = fault_of(stored, 1), fault_of(stored, 2)
    verdict, repair = page.locator(".ck-verdict"), page.get_by_role("button", name="Repair")
    assert verdict.get_attribute("role") == "status"
    assert repair.is_disabled() and right.fault not in verdict.inner_text()

    page.get_by_role("button", name=wrong.fault).focus()
    page.keyboard.press("Enter")
    assert wrong.would in verdict.inner_text() and "careful measurement" in verdict.inner_text()
    assert page.evaluate("document.activeElement.textContent") == f"✗ {wrong.fault}"
    assert repair.is_disabled()

    page.get_by_label("its author's view").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelector('[role=img]').ariaLabel.includes('control')")

    page.get_by_role("button", name=right.fault).focus()
    page.keyboard.press("Space")
    assert verdict.inner_text().startswith(f"✓ Right: {right.fault}.")
    assert "1 of 12 solved" in page.locator(".ck-progress").inner_text()
    repair.focus()
    page.keyboard.press("Enter")
    assert "Repaired." in verdict.inner_text() and right.repair in verdict.inner_text()
    page.wait_for_function("document.querySelector('[role=img]').ariaLabel.includes('repaired')")
    assert "repaired" in page.locator(".ck-pair").inner_text()
    fits(page)
    accessible(page)


def test_the_desk_fits_a_laptop_and_the_verdict_stays_in_view(page_of, stored):
    page = page_of(explore.pipeline_clinic(stored), width=1280)
    for number in range(1, 13):
        page.locator(".ck-top input").nth(number - 1).check(force=True)
        page.get_by_role("button", name="Tell me the fault").click()
        assert page.locator(".ck").bounding_box()["height"] < 720, number
        box = page.locator(".ck-say").bounding_box()
        assert box["y"] + box["height"] < 720, number


def test_on_a_phone_the_verdict_is_seen_beside_the_buttons(page_of, stored):
    page = page_of(explore.pipeline_clinic(stored), width=390)
    button = page.get_by_role("button", name=fault_of(stored, 5).fault)
    button.scroll_into_view_if_needed()
    button.click()
    box = page.locator(".ck-say").bounding_box()
    assert 0 <= box["y"] and box["y"] + box["height"] <= 900


def test_patients_that_were_solved_are_kept_and_marked(page_of, stored, reloaded):
    page = page_of(explore.pipeline_clinic(stored, first=2, show="careful"))
    page.get_by_role("button", name=fault_of(stored, 2).fault).click()
    page.locator(".ck-top input").nth(2).check(force=True)
    page.get_by_role("button", name="Tell me the fault").click()
    reloaded(page)
    page.wait_for_selector(".ck-guess")
    labels = page.locator(".ck-top label").all_inner_texts()
    assert labels[1].startswith("2 ✓") and labels[2].startswith("3 ·") and "✓" not in labels[0]
    assert "1 of 12 solved" in page.locator(".ck-progress").inner_text()
    assert page.get_by_role("button", name="Repair").is_enabled()


def test_replies_stand_beside_those_of_the_base_policy(page_of, stored):
    page = page_of(explore.pipeline_clinic(stored))
    case = stored["cases"][explore.patients(stored)[0]]
    page.get_by_label("reply").focus()
    page.keyboard.press("ArrowRight")
    said = page.locator(".ck-pair").inner_text()
    assert (
        case["base_samples"][1]["reply"] in said and case["broken"]["samples"][1]["reply"] in said
    )
    assert "gold" not in said, "the author has not measured it"


def test_without_scripts_the_patient_and_the_question_stand_there(page_of, stored):
    page = page_of(explore.pipeline_clinic(stored), scripts=False)
    assert page.locator("img").get_attribute("alt").startswith("Patient 1")
    assert page.locator("li").count() == 12


def test_five_patients_first_have_a_choice_among_their_own_faults(page_of, fits, stored):
    page = page_of(explore.pipeline_clinic(stored, core=[1, 3, 4, 5, 8]), width=1280)
    labels = page.locator(".ck-top label").all_inner_texts()
    assert [int(label.split()[0]) for label in labels] == [1, 3, 4, 5, 8, 2, 6, 7, 9, 10, 11, 12]
    offered = page.locator(".ck-guess:visible")
    assert offered.count() == 5
    page.get_by_label("8", exact=True).check(force=True)
    assert "Patient 8." in page.locator(".ck-verdict").inner_text()
    page.get_by_role("button", name=fault_of(stored, 8).fault).click()
    assert page.locator(".ck-top label").all_inner_texts()[4].startswith("8 ✓")
    page.get_by_label("2", exact=True).check(force=True)
    assert offered.count() == 7
    assert page.get_by_role("button", name=fault_of(stored, 2).fault).is_visible()
    fits(page)
