"""A search in the network names cameras, and gives the sources of those that answer to user and password."""

from __future__ import annotations

from onvif_site import PASSWORD, USER, onvif_site

from patchwatch.nvr.search import Place, SearchOrder, search


def test_a_camera_is_found_and_its_source_holds_no_password() -> None:
    with onvif_site() as site:
        targets = [("127.0.0.1", site.udp_port)]
        order = SearchOrder(place=Place.NETWORK, user=USER, password=PASSWORD, wait_s=0.5)
        (camera,) = search(order, targets).cameras
        assert (camera.source, camera.signed) == ("rtsp://127.0.0.1:554/live/sub?x=1", True)
        assert "se/cret" not in camera.model_dump_json()
        assert "se/cret" not in repr(order)
        (named,) = search(SearchOrder(place=Place.NETWORK, wait_s=0.5), targets).cameras
        assert named.source is None
        assert "enter its user and password" in named.reason


def test_what_goes_wrong_is_told_with_the_remedy() -> None:
    answer = search(SearchOrder(place=Place.FRIGATE, address="http://127.0.0.1:9"))
    assert answer.cameras == []
    assert "http://127.0.0.1:9/api/config does not answer" in answer.problem
