// Functions of requests and responses.
#pragma once

#include "handles/row.h"

CALL(request_retain, flare_request_retain(handle))
CALL(request_release, flare_request_release(handle))
TEXT_CALL(request_method, flare_request_method(handle, &length))
TEXT_CALL(request_path, flare_request_path(handle, &length))
TEXT_CALL(request_query, flare_request_query(handle, &length))
TEXT_CALL(request_authority, flare_request_authority(handle, &length))
CALL(request_version, flare_request_version(handle))
COPY_CALL(request_peer, flare_request_peer(handle, buffer, sizeof buffer))
COPY_CALL(request_local_address, flare_request_local_address(handle, buffer, sizeof buffer))
TEXT_CALL(request_header, flare_request_header(handle, "host", &length))
CALL(request_header_count, flare_request_header_count(handle))
TEXT_CALL(request_header_name_at, flare_request_header_name_at(handle, 0, &length))
TEXT_CALL(request_header_value_at, flare_request_header_value_at(handle, 0, &length))
TEXT_CALL(request_trailer, flare_request_trailer(handle, "a", &length))
CALL(request_trailer_count, flare_request_trailer_count(handle))
TEXT_CALL(request_trailer_name_at, flare_request_trailer_name_at(handle, 0, &length))
TEXT_CALL(request_trailer_value_at, flare_request_trailer_value_at(handle, 0, &length))
TEXT_CALL(request_param, flare_request_param(handle, "a", &length))
TEXT_CALL(request_body, flare_request_body(handle, &length))
CALL(request_cancelled, flare_request_cancelled(handle))

CALL(response_retain, flare_response_retain(handle))
CALL(response_release, flare_response_release(handle))
CALL(response_add_header, flare_response_add_header(handle, "a", "b"))
CALL(response_set_header, flare_response_set_header(handle, "a", "b"))
CALL(response_add_trailer, flare_response_add_trailer(handle, "a", "b"))
CALL(response_send, flare_response_send(handle, 200, "x", 1))
CALL(response_send_as, flare_response_send_as(handle, 200, "a/b", "x", 1))
CALL(response_send_text, flare_response_send_text(handle, 200, "x"))
CALL(response_send_json, flare_response_send_json(handle, 200, "1"))
CALL(response_send_borrowed, flare_response_send_borrowed(handle, 200, "x", 1, USER))

CALL(request_on_event, flare_request_on_event(handle, unused_event, USER))
CALL(request_log_error, flare_request_log_error(handle, "why"))
CALL(request_resume, flare_request_resume(handle))
CALL(request_set_attribute, flare_request_set_attribute(handle, "a", "b"))
COPY_CALL(request_attribute, flare_request_attribute(handle, "a", buffer, sizeof buffer))
static int64_t call_request_read(void *handle) {
    char buffer[8];
    size_t length;
    return flare_request_read(handle, buffer, sizeof buffer, &length);
}
static int64_t call_request_read_datagram(void *handle) {
    char buffer[8];
    size_t length;
    return flare_request_read_datagram(handle, buffer, sizeof buffer, &length);
}

CALL(response_start, flare_response_start(handle, 200))
CALL(response_write, flare_response_write(handle, "x", 1))
CALL(response_write_blocking, flare_response_write_blocking(handle, "x", 1))
CALL(response_finish, flare_response_finish(handle))
CALL(response_flush, flare_response_flush(handle))
CALL(response_fail, flare_response_fail(handle, "why"))
CALL(response_reset, flare_response_reset(handle))
CALL(response_inform, flare_response_inform(handle, 103, NULL, NULL, 0))
CALL(response_relay, flare_response_relay(handle, 200, "127.0.0.1:1", "x", 1, 0, 0, 0))
CALL(response_proceed, flare_response_proceed(handle))
CALL(response_send_file, flare_response_send_file(handle, 200, "capi/symbols"))
CALL(response_send_source, flare_response_send_source(handle, 200, -1, unused_source, USER))

CALL(request_tls, (int64_t)flare_request_tls(handle, "version", NULL, 0))
CALL(request_is_early, flare_request_is_early(handle))
static int64_t call_request_peer_certificate(void *handle) {
    size_t length = 0;
    return (int64_t)(intptr_t)flare_request_peer_certificate(handle, &length);
}
COPY_CALL(request_id, flare_request_id(handle, buffer, sizeof buffer))
COPY_CALL(request_identity, flare_request_identity(handle, buffer, sizeof buffer))
COPY_CALL(request_client, flare_request_client(handle, buffer, sizeof buffer))

CALL(queue_watch_request, flare_queue_watch(queue, handle, 1))

TEXT_CALL(request_offered_protocol, flare_request_offered_protocol(handle, &length))
CALL(response_switch_protocol, flare_response_switch_protocol(handle, "x"))
CALL(response_switch_to_datagrams, flare_response_switch_to_datagrams(handle, "x"))
CALL(response_send_datagram, flare_response_send_datagram(handle, "x", 1))
CALL(response_max_datagram_size, flare_response_max_datagram_size(handle))

CALL(client_open_request, flare_client_open(asker, handle, 0, NULL))
CALL(client_fetch_request, flare_client_fetch(asker, handle, NULL, 0, NULL))

CALL(request_add_header, flare_request_add_header(handle, "x", "y"))
CALL(request_set_header, flare_request_set_header(handle, "x", "y"))
CALL(request_add_trailer, flare_request_add_trailer(handle, "x", "y"))
CALL(request_set_scheme, flare_request_set_scheme(handle, "http"))
CALL(request_set_content_length, flare_request_set_content_length(handle, 1))
CALL(request_offer_protocol, flare_request_offer_protocol(handle, "x"))
CALL(request_offer_datagrams, flare_request_offer_datagrams(handle, "x"))
CALL(request_send_datagram, flare_request_send_datagram(handle, "x", 1))
CALL(request_max_datagram_size, flare_request_max_datagram_size(handle))
CALL(request_write, flare_request_write(handle, "x", 1))
CALL(request_write_blocking, flare_request_write_blocking(handle, "x", 1))
CALL(request_finish, flare_request_finish(handle))
CALL(request_cancel, flare_request_cancel(handle))

CALL(response_status, flare_response_status(handle))
CALL(response_version, flare_response_version(handle))
CALL(response_cancelled, flare_response_cancelled(handle))
TEXT_CALL(response_header, flare_response_header(handle, "x", &length))
CALL(response_header_count, flare_response_header_count(handle))
TEXT_CALL(response_header_name_at, flare_response_header_name_at(handle, 0, &length))
TEXT_CALL(response_header_value_at, flare_response_header_value_at(handle, 0, &length))
TEXT_CALL(response_trailer, flare_response_trailer(handle, "x", &length))
CALL(response_trailer_count, flare_response_trailer_count(handle))
TEXT_CALL(response_trailer_name_at, flare_response_trailer_name_at(handle, 0, &length))
TEXT_CALL(response_trailer_value_at, flare_response_trailer_value_at(handle, 0, &length))
TEXT_CALL(response_body, flare_response_body(handle, &length))

static const struct row exchange_rows[] = {
    {"flare_request_retain", REQUEST, CODE, call_request_retain, false, false},
    {"flare_request_release", REQUEST, CODE, call_request_release, false, false},
    {"flare_request_method", REQUEST, NOTHING, call_request_method, false, false},
    {"flare_request_path", REQUEST, NOTHING, call_request_path, false, false},
    {"flare_request_query", REQUEST, NOTHING, call_request_query, false, false},
    {"flare_request_authority", REQUEST, NOTHING, call_request_authority, false, false},
    {"flare_request_version", REQUEST, CODE, call_request_version, false, false},
    {"flare_request_peer", REQUEST, NOTHING, call_request_peer, false, false},
    {"flare_request_local_address", REQUEST, NOTHING, call_request_local_address, false, false},
    {"flare_request_header", REQUEST, NOTHING, call_request_header, false, false},
    {"flare_request_header_count", REQUEST, NOTHING, call_request_header_count, false, false},
    {"flare_request_header_name_at", REQUEST, NOTHING, call_request_header_name_at, false, false},
    {"flare_request_header_value_at", REQUEST, NOTHING, call_request_header_value_at, false, false},
    {"flare_request_trailer", REQUEST, NOTHING, call_request_trailer, false, false},
    {"flare_request_trailer_count", REQUEST, NOTHING, call_request_trailer_count, false, false},
    {"flare_request_trailer_name_at", REQUEST, NOTHING, call_request_trailer_name_at, false, false},
    {"flare_request_trailer_value_at", REQUEST, NOTHING, call_request_trailer_value_at, false, false},
    {"flare_request_param", REQUEST, NOTHING, call_request_param, false, false},
    {"flare_request_body", REQUEST, NOTHING, call_request_body, false, false},
    {"flare_request_cancelled", REQUEST, CODE, call_request_cancelled, false, false},
    {"flare_request_on_event", REQUEST, CODE, call_request_on_event, true, false},
    {"flare_request_read", REQUEST, CODE, call_request_read, false, false},
    {"flare_request_read_datagram", REQUEST, CODE, call_request_read_datagram, false, false},
    {"flare_request_log_error", REQUEST, CODE, call_request_log_error, false, false},
    {"flare_request_resume", REQUEST, CODE, call_request_resume, false, false},
    {"flare_request_set_attribute", REQUEST, CODE, call_request_set_attribute, false, false},
    {"flare_request_attribute", REQUEST, NOTHING, call_request_attribute, false, false},
    {"flare_request_offered_protocol", REQUEST, NOTHING, call_request_offered_protocol, false, false},
    {"flare_queue_watch", REQUEST, CODE, call_queue_watch_request, false, false},

    {"flare_response_retain", RESPONSE, CODE, call_response_retain, false, false},
    {"flare_response_release", RESPONSE, CODE, call_response_release, false, false},
    {"flare_response_add_header", RESPONSE, CODE, call_response_add_header, false, false},
    {"flare_response_set_header", RESPONSE, CODE, call_response_set_header, false, false},
    {"flare_response_add_trailer", RESPONSE, CODE, call_response_add_trailer, false, false},
    {"flare_response_send", RESPONSE, CODE, call_response_send, false, false},
    {"flare_response_send_as", RESPONSE, CODE, call_response_send_as, false, false},
    {"flare_response_send_text", RESPONSE, CODE, call_response_send_text, false, false},
    {"flare_response_send_json", RESPONSE, CODE, call_response_send_json, false, false},
    {"flare_response_send_borrowed", RESPONSE, CODE, call_response_send_borrowed, true, false},
    {"flare_response_send_file", RESPONSE, CODE, call_response_send_file, false, false},
    {"flare_response_send_source", RESPONSE, CODE, call_response_send_source, true, false},
    {"flare_response_start", RESPONSE, CODE, call_response_start, false, false},
    {"flare_response_write", RESPONSE, CODE, call_response_write, false, false},
    {"flare_response_write_blocking", RESPONSE, CODE, call_response_write_blocking, false, false},
    {"flare_response_finish", RESPONSE, CODE, call_response_finish, false, false},
    {"flare_response_flush", RESPONSE, CODE, call_response_flush, false, false},
    {"flare_response_fail", RESPONSE, CODE, call_response_fail, false, false},
    {"flare_response_reset", RESPONSE, CODE, call_response_reset, false, false},
    {"flare_response_inform", RESPONSE, CODE, call_response_inform, false, false},
    {"flare_response_relay", RESPONSE, CODE, call_response_relay, false, false},
    {"flare_response_switch_protocol", RESPONSE, CODE, call_response_switch_protocol, false, false},
    {"flare_response_switch_to_datagrams", RESPONSE, CODE, call_response_switch_to_datagrams, false, false},
    {"flare_response_send_datagram", RESPONSE, CODE, call_response_send_datagram, false, false},
    {"flare_response_max_datagram_size", RESPONSE, CODE, call_response_max_datagram_size, false, false},
    {"flare_response_proceed", RESPONSE, CODE, call_response_proceed, false, false},
    {"flare_request_tls", REQUEST, NOTHING, call_request_tls, false, false},
    {"flare_request_peer_certificate", REQUEST, NOTHING, call_request_peer_certificate, false, false},
    {"flare_request_is_early", REQUEST, CODE, call_request_is_early, false, false},
    {"flare_request_id", REQUEST, NOTHING, call_request_id, false, false},
    {"flare_request_identity", REQUEST, NOTHING, call_request_identity, false, false},
    {"flare_request_client", REQUEST, NOTHING, call_request_client, false, false},
    {"flare_client_open", REQUEST, CODE, call_client_open_request, false, false},
    {"flare_client_fetch", REQUEST, CODE, call_client_fetch_request, false, false},
    {"flare_request_add_header", REQUEST, CODE, call_request_add_header, false, false},
    {"flare_request_set_header", REQUEST, CODE, call_request_set_header, false, false},
    {"flare_request_add_trailer", REQUEST, CODE, call_request_add_trailer, false, false},
    {"flare_request_set_scheme", REQUEST, CODE, call_request_set_scheme, false, false},
    {"flare_request_set_content_length", REQUEST, CODE, call_request_set_content_length, false, false},
    {"flare_request_offer_protocol", REQUEST, CODE, call_request_offer_protocol, false, false},
    {"flare_request_offer_datagrams", REQUEST, CODE, call_request_offer_datagrams, false, false},
    {"flare_request_send_datagram", REQUEST, CODE, call_request_send_datagram, false, false},
    {"flare_request_max_datagram_size", REQUEST, CODE, call_request_max_datagram_size, false, false},
    {"flare_request_write", REQUEST, CODE, call_request_write, false, false},
    {"flare_request_write_blocking", REQUEST, CODE, call_request_write_blocking, false, false},
    {"flare_request_finish", REQUEST, CODE, call_request_finish, false, false},
    {"flare_request_cancel", REQUEST, CODE, call_request_cancel, false, false},
    {"flare_response_status", RESPONSE, CODE, call_response_status, false, false},
    {"flare_response_version", RESPONSE, CODE, call_response_version, false, false},
    {"flare_response_cancelled", RESPONSE, CODE, call_response_cancelled, false, false},
    {"flare_response_header", RESPONSE, NOTHING, call_response_header, false, false},
    {"flare_response_header_count", RESPONSE, NOTHING, call_response_header_count, false, false},
    {"flare_response_header_name_at", RESPONSE, NOTHING, call_response_header_name_at, false, false},
    {"flare_response_header_value_at", RESPONSE, NOTHING, call_response_header_value_at, false, false},
    {"flare_response_trailer", RESPONSE, NOTHING, call_response_trailer, false, false},
    {"flare_response_trailer_count", RESPONSE, NOTHING, call_response_trailer_count, false, false},
    {"flare_response_trailer_name_at", RESPONSE, NOTHING, call_response_trailer_name_at, false, false},
    {"flare_response_trailer_value_at", RESPONSE, NOTHING, call_response_trailer_value_at, false, false},
    {"flare_response_body", RESPONSE, NOTHING, call_response_body, false, false},
};
