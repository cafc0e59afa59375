"""The certification itself: made and published once, by an administrator."""

import json
from collections.abc import Callable

from certsvc_client import AuthenticatedClient
from certsvc_client.api.certifications import create_certification
from certsvc_client.api.groups import target_group
from certsvc_client.api.versions import create_version, list_versions, publish_version
from certsvc_client.models import Authored, CertificationDraft, Publication, VersionDraft

from lms.records import CAMPUS
from lms.service import Refused, answered

Say = Callable[[str], None]


def publish(client: AuthenticatedClient, say: Say) -> str:
    """Make the campus's certification as far as it is not there yet; its key."""
    programme = json.loads(CAMPUS.read_text())["programme"]
    draft = CertificationDraft.from_dict(programme["certification"])
    try:
        answered(create_certification.sync(client=client, body=draft))
    except Refused as no:
        if no.problem.code != "key_taken":
            raise
    versions = answered(list_versions.sync(draft.key, client=client)).items
    if not any(version.state == "published" for version in versions):
        definition = VersionDraft.from_dict(programme["definition"])
        made = answered(create_version.sync(draft.key, client=client, body=definition))
        published = publish_version.sync(draft.key, made.number, client=client, body=Publication())
        answered(published)
        say(f"published {draft.key}, version {made.number}")
    return draft.key


def target(client: AuthenticatedClient, certification: str, say: Say) -> None:
    """Let the certification target the campus's groups: whoever is in one is enrolled."""
    programme = json.loads(CAMPUS.read_text())["programme"]
    for group in programme["groups"]:
        made = answered(target_group.sync(certification, group, client=client, body=Authored()))
        say(f"{certification} targets {group}, {made.member_count} people")
