"""Addresses of the pages. The first word of a name is the place in the navigation it belongs to."""

from __future__ import annotations

from django.conf import settings
from django.urls import path, register_converter
from django.urls.converters import UUIDConverter

from tansiq.node.web.views import (
    acting,
    alerts,
    audit,
    channels,
    conflicts,
    desk,
    dossiers,
    duplicates,
    duty,
    erasure,
    exports,
    files,
    imports,
    opening,
    overdue,
    partners,
    passing,
    plans,
    preferences,
    printing,
    register,
    reviews,
    screening,
    search,
)


class IdConverter(UUIDConverter):
    """An id in the form of a UUID, handed to the view as the text that queries take."""

    def to_python(self, value: str) -> str:  # type: ignore[override]
        return value


register_converter(IdConverter, "id")

urlpatterns = [
    path("", desk.show, name="desk"),
    path("desk/events", desk.events, name="desk_events"),
    path("desk/take/", desk.take, name="desk_take"),
    path("desk/give-back/", desk.give_back, name="desk_give_back"),
    path("desk/done/", desk.done, name="desk_done"),
    path("search/", search.ask, name="search"),
    path("search/lists/", screening.index, name="search_screenings"),
    path("search/lists/<id:screening_id>/", screening.show, name="search_screening"),
    path("search/lists/<id:screening_id>/judge/", screening.judge, name="search_screening_judge"),
    path("search/lists/<id:screening_id>/begin/", screening.begin, name="search_screening_begin"),
    path("search/lists/<id:screening_id>/stop/", screening.stop, name="search_screening_stop"),
    path("search/lists/<id:screening_id>/export/", screening.export, name="search_screening_export"),
    path("search/<id:search_id>/", search.result, name="search_result"),
    path("dossiers/", dossiers.index, name="dossiers"),
    path("dossiers/new/", acting.new_request, name="dossiers_new"),
    path("dossiers/new/<slug:kind_name>/", opening.opening, name="dossiers_open"),
    path("dossiers/<str:dossier_id>/", dossiers.show, name="dossiers_show"),
    path("dossiers/<str:dossier_id>/acts/<slug:act_name>/", acting.act, name="dossiers_act"),
    path("dossiers/<str:dossier_id>/pass-on/", passing.pass_on, name="dossiers_pass_on"),
    path("dossiers/<str:dossier_id>/print/", printing.print_dossier, name="dossiers_print"),
    path("dossiers/<str:dossier_id>/end-exercise/", dossiers.end_exercise, name="dossiers_end_exercise"),
    path("dossiers/<str:dossier_id>/notes/", dossiers.note, name="dossiers_note"),
    path("dossiers/<str:dossier_id>/references/", dossiers.reference, name="dossiers_reference"),
    path("dossiers/<str:dossier_id>/files/<str:entry_id>/<int:index>/", files.download, name="dossiers_file"),
    path("files/", files.begin, name="dossiers_upload"),
    path("files/<id:upload_id>/", files.piece, name="dossiers_upload_piece"),
    path("drafts/<id:draft_id>/", acting.draft, name="dossiers_draft"),
    path("drafts/<id:draft_id>/take-over/", acting.take_over, name="dossiers_take_over"),
    path("drafts/<id:draft_id>/approve/", acting.approve, name="dossiers_approve"),
    path("drafts/<id:draft_id>/send/", acting.send, name="dossiers_send"),
    path("dossiers/<str:dossier_id>/erasure-proof/", erasure.proof, name="dossiers_erasure_proof"),
    path("copies/", erasure.copies, name="desk_copies"),
    path("copies/settle/", erasure.settle, name="desk_copies_settle"),
    path("overdue/", overdue.index, name="dossiers_overdue"),
    path("alerts/", alerts.index, name="alerts"),
    path("alerts/<str:dossier_id>/", alerts.show, name="alerts_show"),
    path("plans/", plans.index, name="plans"),
    path("plans/new/", plans.new, name="plans_new"),
    path("plans/place/", plans.place, name="plans_place"),
    path("plans/conflicts/", conflicts.index, name="plans_conflicts"),
    path("plans/conflicts/<id:conflict_id>/", conflicts.show, name="plans_conflict"),
    path("plans/conflicts/<id:conflict_id>/settle/", conflicts.settle, name="plans_settle"),
    path("plans/exceptions/", conflicts.exceptions, name="plans_exceptions"),
    path("plans/exceptions/<id:plan_id>/", conflicts.decide, name="plans_exception"),
    path("plans/asked/", conflicts.asked, name="plans_asked"),
    path("plans/<id:plan_id>/", plans.show, name="plans_show"),
    path("plans/<id:plan_id>/move/", plans.move, name="plans_move"),
    path("plans/<id:plan_id>/cancel/", plans.cancel, name="plans_cancel"),
    path("plans/<id:plan_id>/finish/", plans.finish, name="plans_finish"),
    path("plans/<id:plan_id>/ask-again/", plans.ask_again, name="plans_ask_again"),
    path("reports/", alerts.reports, name="reports"),
    path("channels/", channels.index, name="channels"),
    path("channels/ringing/", channels.ringing, name="channels_ringing"),
    path("channels/<str:dossier_id>/", channels.show, name="channels_show"),
    path("channels/<str:dossier_id>/news/", channels.news, name="channels_news"),
    path("channels/<str:dossier_id>/call/", channels.call, name="channels_call"),
    path("channels/<str:dossier_id>/calls/<str:call_id>/answer/", channels.acknowledge, name="channels_acknowledge"),
    path("channels/<str:dossier_id>/calls/<str:call_id>/end/", channels.end_call, name="channels_end_call"),
    path("duty/", duty.roster_page, name="channels_duty"),
    path("duty/shifts/<int:shift_id>/remove/", duty.remove_shift, name="channels_duty_remove"),
    path("reviews/", duty.reviews, name="audit_reviews"),
    path("reviews/<str:entry_id>/", duty.review, name="audit_review"),
    path("register/", register.index, name="register"),
    path("register/export/", exports.export, name="register_export"),
    path("register/copies/", exports.copies, name="register_copies"),
    path("register/imports/", imports.index, name="register_imports"),
    path("register/imports/<id:order_id>/", imports.show, name="register_import"),
    path("register/imports/<id:order_id>/columns/", imports.explain, name="register_import_explain"),
    path("register/imports/<id:order_id>/confirm/", imports.confirm, name="register_import_confirm"),
    path("register/imports/<id:order_id>/drop/", imports.drop, name="register_import_drop"),
    path("register/imports/<id:order_id>/report.csv", imports.report, name="register_import_report"),
    path("register/review/", reviews.queue, name="register_review"),
    path("register/review/decide/", reviews.decide, name="register_review_decide"),
    path("register/duplicates/", duplicates.index, name="register_duplicates"),
    path("register/pairs/<id:left>/<id:right>/", duplicates.pair, name="register_pair"),
    path("register/pairs/<id:left>/<id:right>/judge/", duplicates.judge, name="register_pair_judge"),
    path("register/pairs/<id:left>/<id:right>/undo/", duplicates.undo, name="register_pair_undo"),
    path("register/<id:subject_id>/", register.subject, name="register_subject"),
    path("register/<id:subject_id>/lift/", reviews.lift, name="register_lift"),
    path("partners/", partners.index, name="partners"),
    path("partners/correspondents/", partners.correspondents, name="partners_correspondents"),
    path("partners/<str:node>/", partners.show, name="partners_show"),
    path("accords/", partners.accords, name="accords"),
    path("accords/<str:accord_id>/", partners.accord, name="accords_show"),
    path("accords/<str:accord_id>/ratify/", partners.ratify, name="accords_ratify"),
    path("audit/", audit.index, name="audit"),
    path("audit/plans/", audit.ratios, name="audit_ratios"),
    path("audit/verify/", audit.check, name="audit_check"),
    path("quarantine", audit.quarantine, name="audit_quarantine"),
    path("quarantine/decide/", audit.decide_quarantined, name="audit_quarantine_decide"),
    path("language/", preferences.choose_language, name="language"),
    path("writing/", preferences.writing, name="writing"),
]

if settings.DEBUG or settings.NODE.demo:
    from tansiq.node.web.views import styleguide

    urlpatterns += [path("styleguide/", styleguide.show, name="styleguide")]
