"""The functions of libflare.so.

Generated from include/flare.h by bindings/mojo/generate: do not edit.

Each function type says `abi("C")`: without it Mojo would compile the call, and pass the arguments by its own rules.
"""

from std.ffi import c_char

comptime Handle = UInt
"""A handle of the C API: a number that each call checks. 0 is none."""

comptime Address = Optional[Pointer[NoneType, MutUntrackedOrigin]]
"""A `void *` that may be NULL."""

comptime Bytes = Optional[Pointer[UInt8, ImmUntrackedOrigin]]
"""Bytes to be read, or NULL."""

comptime Room = Optional[Pointer[UInt8, MutUntrackedOrigin]]
"""Bytes to be written, or NULL."""

comptime Text = Optional[Pointer[c_char, ImmUntrackedOrigin]]
"""A text that ends with NUL, or NULL."""

comptime Texts = Optional[Pointer[Text, ImmUntrackedOrigin]]
"""Several of them."""

comptime Place[T: AnyType] = Optional[Pointer[T, MutUntrackedOrigin]]
"""Where a result goes, or NULL."""

comptime OnRequestCallback = def(Handle, Handle, Address) thin abi("C") -> Int32
comptime OnHeadCallback = def(Handle, Handle, Int32, Address) thin abi("C") -> None
comptime OnEndCallback = def(Handle, Int32, UInt64, UInt64, Int32, Address) thin abi("C") -> None
comptime DestroyCallback = def(Address) thin abi("C") -> None
comptime LineSinkCallback = def(Text, UInt, Address) thin abi("C") -> None
comptime TokenCheckCallback = def(Text, Handle, Room, UInt, Address) thin abi("C") -> Int32
comptime EventCallback = def(Handle, Handle, Int32, Bytes, UInt, Address) thin abi("C") -> Int32
comptime SourceCallback = def(Room, UInt, Address) thin abi("C") -> Int64
comptime HandlerCallback = def(Handle, Handle, Address) thin abi("C") -> Int32
comptime LogSinkCallback = def(Int32, Text, Address) thin abi("C") -> None
comptime AccessSinkCallback = def(Text, Text, Text, Int32, UInt64, UInt64, Address) thin abi("C") -> None
comptime TaskCallback = def(UInt32, Address) thin abi("C") -> None
comptime TlsResolverCallback = def(Text, Address) thin abi("C") -> Handle
comptime WebsocketCallback = def(Handle, Address) thin abi("C") -> Int32
comptime WebsocketMessageCallback = def(Handle, Int32, Bytes, UInt, Address) thin abi("C") -> Int32
comptime WebsocketCloseCallback = def(Handle, Int32, Text, Address) thin abi("C") -> None

comptime EVENT_HEAD = 6
comptime EVENT_INFORMATIONAL = 7
comptime EVENT_SWITCHED = 8
comptime EVENT_DATAGRAM = 9
comptime DONE = 1
comptime RELAY_FORWARD = 1
comptime EVENT_REQUEST = 0
comptime EVENT_DATA = 1
comptime EVENT_END = 2
comptime EVENT_WRITABLE = 3
comptime EVENT_CANCELLED = 4
comptime EVENT_READABLE = 5
comptime PAUSE = 1
comptime LOG_ERROR = 1
comptime LOG_WARN = 2
comptime LOG_INFO = 3
comptime LOG_DEBUG = 4
comptime OK = 0
comptime ABI_VERSION = 1
comptime WEBSOCKET_TEXT = 1
comptime WEBSOCKET_BINARY = 2
comptime WEBSOCKET_PING = 3
comptime WEBSOCKET_PONG = 4
comptime WEBSOCKET_WRITABLE = 5
comptime WEBSOCKET_CLOSED = 6
comptime ERROR_INVALID_HANDLE = -1
comptime ERROR_WRONG_KIND = -2
comptime ERROR_INVALID_ARGUMENT = -3
comptime ERROR_INVALID_STATE = -4
comptime ERROR_FINISHED = -5
comptime ERROR_CLOSED = -6
comptime ERROR_WOULD_BLOCK = -7
comptime ERROR_NOT_FOUND = -8
comptime ERROR_CONFLICT = -9
comptime ERROR_ADDRESS_IN_USE = -10
comptime ERROR_PERMISSION = -11
comptime ERROR_IO = -12
comptime ERROR_LIMIT = -13
comptime ERROR_TIMEOUT = -14
comptime ERROR_UNSUPPORTED = -15
comptime ERROR_PANIC = -16
comptime ERROR_OUT_OF_MEMORY = -17
comptime ERROR_CANCELLED = -18
comptime ERROR_PROTOCOL = -19
comptime ERROR_REFUSED = -20
comptime ERROR_REJECTED = -21


struct Api:
    """The functions. All fields have the size of a pointer; `load` fills them."""

    var client_new: def(Handle, Int32, Place[Handle]) thin abi("C") -> Int32
    var client_connect: def(Handle, Text, Int32, Place[Handle]) thin abi("C") -> Int32
    var client_set_number: def(Handle, Text, Int64) thin abi("C") -> Int32
    var client_open: def(Handle, Handle, UInt64, Place[Handle]) thin abi("C") -> Int32
    var client_next: def(Handle, Int64, Place[Int32], Place[Handle], Place[UInt64], Place[Bytes], Place[UInt]) thin abi("C") -> Int32
    var client_fetch: def(Handle, Handle, Bytes, UInt, Place[Handle]) thin abi("C") -> Int32
    var client_can_open: def(Handle) thin abi("C") -> Int32
    var client_version: def(Handle) thin abi("C") -> Int32
    var client_fd: def(Handle) thin abi("C") -> Int32
    var client_wants_write: def(Handle) thin abi("C") -> Int32
    var client_close: def(Handle) thin abi("C") -> Int32
    var client_abort: def(Handle) thin abi("C") -> Int32
    var client_free: def(Handle) thin abi("C") -> Int32
    var config_new: def() thin abi("C") -> Handle
    var config_free: def(Handle) thin abi("C") -> Int32
    var config_set_number: def(Handle, Text, Int64) thin abi("C") -> Int32
    var config_set_text: def(Handle, Text, Text) thin abi("C") -> Int32
    var connection_read: def(Handle, Room, UInt, Int64, Place[UInt]) thin abi("C") -> Int32
    var connection_write: def(Handle, Bytes, UInt, Int64, Place[UInt]) thin abi("C") -> Int32
    var connection_flush: def(Handle, Int64) thin abi("C") -> Int32
    var connection_close_write: def(Handle) thin abi("C") -> Int32
    var connection_close: def(Handle) thin abi("C") -> Int32
    var connection_free: def(Handle) thin abi("C") -> Int32
    var connection_fd: def(Handle) thin abi("C") -> Int32
    var connection_peer: def(Handle, Room, UInt) thin abi("C") -> UInt
    var connection_tls: def(Handle, Text, Room, UInt) thin abi("C") -> UInt
    var connector_new: def() thin abi("C") -> Handle
    var connector_free: def(Handle) thin abi("C") -> Int32
    var connector_set_number: def(Handle, Text, Int64) thin abi("C") -> Int32
    var connector_set_text: def(Handle, Text, Text) thin abi("C") -> Int32
    var connector_add_roots: def(Handle, Bytes, UInt) thin abi("C") -> Int32
    var connector_set_certificate_files: def(Handle, Text, Text) thin abi("C") -> Int32
    var connector_set_certificate_pem: def(Handle, Bytes, UInt, Bytes, UInt) thin abi("C") -> Int32
    var connector_connect: def(Handle, Text, Place[Handle]) thin abi("C") -> Int32
    var connector_begin: def(Handle, Text, Place[Handle]) thin abi("C") -> Int32
    var connecting_fd: def(Handle) thin abi("C") -> Int32
    var connecting_poll: def(Handle, Place[Handle]) thin abi("C") -> Int32
    var connecting_cancel: def(Handle) thin abi("C") -> Int32
    var connecting_free: def(Handle) thin abi("C") -> Int32
    var response_switch_to_datagrams: def(Handle, Text) thin abi("C") -> Int32
    var response_send_datagram: def(Handle, Bytes, UInt) thin abi("C") -> Int32
    var response_max_datagram_size: def(Handle) thin abi("C") -> Int32
    var request_read_datagram: def(Handle, Room, UInt, Place[UInt]) thin abi("C") -> Int32
    var request_offer_datagrams: def(Handle, Text) thin abi("C") -> Int32
    var request_send_datagram: def(Handle, Bytes, UInt) thin abi("C") -> Int32
    var request_max_datagram_size: def(Handle) thin abi("C") -> Int32
    var router_add_files: def(Handle, Text, Text, Text, Handle) thin abi("C") -> Int32
    var server_host_start: def(Handle) thin abi("C") -> Int32
    var server_fd: def(Handle) thin abi("C") -> Int32
    var server_poll: def(Handle, Int32) thin abi("C") -> Int32
    var server_drained: def(Handle) thin abi("C") -> Int32
    var last_error: def(Room, UInt) thin abi("C") -> UInt
    var router_add_layer: def(Handle, OnRequestCallback, OnHeadCallback, OnEndCallback, Address, DestroyCallback) thin abi("C") -> Int32
    var route_options_add_layer: def(Handle, OnRequestCallback, OnHeadCallback, OnEndCallback, Address, DestroyCallback) thin abi("C") -> Int32
    var response_proceed: def(Handle) thin abi("C") -> Int32
    var middleware_new: def(Text) thin abi("C") -> Handle
    var middleware_free: def(Handle) thin abi("C") -> Int32
    var middleware_set_number: def(Handle, Text, Int64) thin abi("C") -> Int32
    var middleware_set_text: def(Handle, Text, Text) thin abi("C") -> Int32
    var middleware_add_token: def(Handle, Text, Text) thin abi("C") -> Int32
    var middleware_on_line: def(Handle, LineSinkCallback, Address, DestroyCallback) thin abi("C") -> Int32
    var middleware_on_token: def(Handle, TokenCheckCallback, Address, DestroyCallback) thin abi("C") -> Int32
    var router_add_middleware: def(Handle, Handle) thin abi("C") -> Int32
    var route_options_add_middleware: def(Handle, Handle) thin abi("C") -> Int32
    var request_id: def(Handle, Room, UInt) thin abi("C") -> UInt
    var request_identity: def(Handle, Room, UInt) thin abi("C") -> UInt
    var request_client: def(Handle, Room, UInt) thin abi("C") -> UInt
    var mux_connect: def(Text, Int64, Place[Handle]) thin abi("C") -> Int32
    var mux_free: def(Handle) thin abi("C") -> Int32
    var mux_open: def(Handle, Place[Handle]) thin abi("C") -> Int32
    var mux_accept: def(Handle, Int64, Place[Handle]) thin abi("C") -> Int32
    var mux_listener_bind: def(Text, Place[Handle]) thin abi("C") -> Int32
    var mux_listener_free: def(Handle) thin abi("C") -> Int32
    var mux_listener_accept: def(Handle, Int64, Place[Handle]) thin abi("C") -> Int32
    var mux_listener_address: def(Handle, Room, UInt) thin abi("C") -> UInt
    var mux_stream_free: def(Handle) thin abi("C") -> Int32
    var mux_stream_write: def(Handle, Bytes, UInt) thin abi("C") -> Int32
    var mux_stream_write_blocking: def(Handle, Bytes, UInt, Int64) thin abi("C") -> Int32
    var mux_stream_read: def(Handle, Room, UInt, Int64, Place[UInt]) thin abi("C") -> Int32
    var mux_stream_finish: def(Handle) thin abi("C") -> Int32
    var mux_stream_error: def(Handle, Text) thin abi("C") -> Int32
    var mux_stream_cancel: def(Handle) thin abi("C") -> Int32
    var router_add_prepared: def(Handle, Text, Text, Int32, Text, Bytes, UInt) thin abi("C") -> Int32
    var queue_new: def() thin abi("C") -> Handle
    var queue_free: def(Handle) thin abi("C") -> Int32
    var queue_close: def(Handle) thin abi("C") -> Int32
    var router_add_queue: def(Handle, Text, Text, Handle, Handle, UInt64) thin abi("C") -> Int32
    var queue_next: def(Handle, Int64, Place[Int32], Place[Handle], Place[Handle], Place[UInt64]) thin abi("C") -> Int32
    var queue_watch: def(Handle, Handle, UInt64) thin abi("C") -> Int32
    var response_relay: def(Handle, Int32, Text, Bytes, UInt, UInt32, UInt32, UInt32) thin abi("C") -> Int32
    var request_retain: def(Handle) thin abi("C") -> Int32
    var request_release: def(Handle) thin abi("C") -> Int32
    var request_method: def(Handle, Place[UInt]) thin abi("C") -> Text
    var request_path: def(Handle, Place[UInt]) thin abi("C") -> Text
    var request_query: def(Handle, Place[UInt]) thin abi("C") -> Text
    var request_authority: def(Handle, Place[UInt]) thin abi("C") -> Text
    var request_version: def(Handle) thin abi("C") -> Int32
    var request_peer: def(Handle, Room, UInt) thin abi("C") -> UInt
    var request_local_address: def(Handle, Room, UInt) thin abi("C") -> UInt
    var request_header: def(Handle, Text, Place[UInt]) thin abi("C") -> Text
    var request_header_count: def(Handle) thin abi("C") -> UInt
    var request_header_name_at: def(Handle, UInt, Place[UInt]) thin abi("C") -> Text
    var request_header_value_at: def(Handle, UInt, Place[UInt]) thin abi("C") -> Text
    var request_trailer: def(Handle, Text, Place[UInt]) thin abi("C") -> Text
    var request_trailer_count: def(Handle) thin abi("C") -> UInt
    var request_trailer_name_at: def(Handle, UInt, Place[UInt]) thin abi("C") -> Text
    var request_trailer_value_at: def(Handle, UInt, Place[UInt]) thin abi("C") -> Text
    var request_param: def(Handle, Text, Place[UInt]) thin abi("C") -> Text
    var request_offered_protocol: def(Handle, Place[UInt]) thin abi("C") -> Text
    var request_body: def(Handle, Place[UInt]) thin abi("C") -> Bytes
    var request_cancelled: def(Handle) thin abi("C") -> Int32
    var request_read: def(Handle, Room, UInt, Place[UInt]) thin abi("C") -> Int32
    var request_on_event: def(Handle, EventCallback, Address, DestroyCallback) thin abi("C") -> Int32
    var request_resume: def(Handle) thin abi("C") -> Int32
    var request_log_error: def(Handle, Text) thin abi("C") -> Int32
    var request_set_attribute: def(Handle, Text, Text) thin abi("C") -> Int32
    var request_attribute: def(Handle, Text, Room, UInt) thin abi("C") -> UInt
    var request_new: def(Text, Text, Text) thin abi("C") -> Handle
    var request_add_header: def(Handle, Text, Text) thin abi("C") -> Int32
    var request_set_header: def(Handle, Text, Text) thin abi("C") -> Int32
    var request_add_trailer: def(Handle, Text, Text) thin abi("C") -> Int32
    var request_set_scheme: def(Handle, Text) thin abi("C") -> Int32
    var request_set_content_length: def(Handle, Int64) thin abi("C") -> Int32
    var request_offer_protocol: def(Handle, Text) thin abi("C") -> Int32
    var request_write: def(Handle, Bytes, UInt) thin abi("C") -> Int32
    var request_write_blocking: def(Handle, Bytes, UInt) thin abi("C") -> Int32
    var request_finish: def(Handle) thin abi("C") -> Int32
    var request_cancel: def(Handle) thin abi("C") -> Int32
    var response_retain: def(Handle) thin abi("C") -> Int32
    var response_release: def(Handle) thin abi("C") -> Int32
    var response_add_header: def(Handle, Text, Text) thin abi("C") -> Int32
    var response_set_header: def(Handle, Text, Text) thin abi("C") -> Int32
    var response_add_trailer: def(Handle, Text, Text) thin abi("C") -> Int32
    var response_send: def(Handle, Int32, Bytes, UInt) thin abi("C") -> Int32
    var response_send_text: def(Handle, Int32, Text) thin abi("C") -> Int32
    var response_send_json: def(Handle, Int32, Text) thin abi("C") -> Int32
    var response_send_as: def(Handle, Int32, Text, Bytes, UInt) thin abi("C") -> Int32
    var response_send_borrowed: def(Handle, Int32, Bytes, UInt, Address, DestroyCallback) thin abi("C") -> Int32
    var response_status: def(Handle) thin abi("C") -> Int32
    var response_version: def(Handle) thin abi("C") -> Int32
    var response_cancelled: def(Handle) thin abi("C") -> Int32
    var response_header: def(Handle, Text, Place[UInt]) thin abi("C") -> Text
    var response_header_count: def(Handle) thin abi("C") -> UInt
    var response_header_name_at: def(Handle, UInt, Place[UInt]) thin abi("C") -> Text
    var response_header_value_at: def(Handle, UInt, Place[UInt]) thin abi("C") -> Text
    var response_trailer: def(Handle, Text, Place[UInt]) thin abi("C") -> Text
    var response_trailer_count: def(Handle) thin abi("C") -> UInt
    var response_trailer_name_at: def(Handle, UInt, Place[UInt]) thin abi("C") -> Text
    var response_trailer_value_at: def(Handle, UInt, Place[UInt]) thin abi("C") -> Text
    var response_body: def(Handle, Place[UInt]) thin abi("C") -> Bytes
    var response_start: def(Handle, Int32) thin abi("C") -> Int32
    var response_switch_protocol: def(Handle, Text) thin abi("C") -> Int32
    var response_write: def(Handle, Bytes, UInt) thin abi("C") -> Int32
    var response_write_blocking: def(Handle, Bytes, UInt) thin abi("C") -> Int32
    var response_finish: def(Handle) thin abi("C") -> Int32
    var response_flush: def(Handle) thin abi("C") -> Int32
    var response_fail: def(Handle, Text) thin abi("C") -> Int32
    var response_reset: def(Handle) thin abi("C") -> Int32
    var response_inform: def(Handle, Int32, Texts, Texts, UInt) thin abi("C") -> Int32
    var response_send_file: def(Handle, Int32, Text) thin abi("C") -> Int32
    var response_send_source: def(Handle, Int32, Int64, SourceCallback, Address, DestroyCallback) thin abi("C") -> Int32
    var route_options_new: def() thin abi("C") -> Handle
    var route_options_free: def(Handle) thin abi("C") -> Int32
    var route_options_set_number: def(Handle, Text, Int64) thin abi("C") -> Int32
    var router_new: def() thin abi("C") -> Handle
    var router_free: def(Handle) thin abi("C") -> Int32
    var router_add: def(Handle, Text, Text, HandlerCallback, Address, DestroyCallback) thin abi("C") -> Int32
    var router_add_with: def(Handle, Text, Text, Handle, HandlerCallback, Address, DestroyCallback) thin abi("C") -> Int32
    var router_mount: def(Handle, Text, Handle) thin abi("C") -> Int32
    var server_new: def(Handle, Handle) thin abi("C") -> Handle
    var server_free: def(Handle) thin abi("C") -> Int32
    var server_listen: def(Handle, Text) thin abi("C") -> Int32
    var server_set_log: def(Handle, Int32, LogSinkCallback, Address, DestroyCallback) thin abi("C") -> Int32
    var server_set_access_log: def(Handle, AccessSinkCallback, Address, DestroyCallback) thin abi("C") -> Int32
    var server_on_worker_start: def(Handle, TaskCallback, Address, DestroyCallback) thin abi("C") -> Int32
    var server_on_worker_stop: def(Handle, TaskCallback, Address, DestroyCallback) thin abi("C") -> Int32
    var server_start: def(Handle) thin abi("C") -> Int32
    var server_wait: def(Handle) thin abi("C") -> Int32
    var server_run: def(Handle) thin abi("C") -> Int32
    var serve: def(Handle, Text) thin abi("C") -> Int32
    var server_drain: def(Handle, UInt64) thin abi("C") -> Int32
    var server_drain_on_signals: def(Handle) thin abi("C") -> Int32
    var server_address: def(Handle, UInt, Room, UInt) thin abi("C") -> UInt
    var server_stat: def(Handle, Text) thin abi("C") -> Int64
    var server_workers: def(Handle) thin abi("C") -> Int32
    var server_post: def(Handle, UInt32, UInt64, TaskCallback, Address, DestroyCallback) thin abi("C") -> Int32
    var status_name: def(Int32) thin abi("C") -> Text
    var tls_new: def() thin abi("C") -> Handle
    var tls_free: def(Handle) thin abi("C") -> Int32
    var tls_add_files: def(Handle, Text, Text) thin abi("C") -> Int32
    var tls_add_pem: def(Handle, Bytes, UInt, Bytes, UInt) thin abi("C") -> Int32
    var tls_add_self_signed: def(Handle, Text) thin abi("C") -> Int32
    var tls_set_resolver: def(Handle, TlsResolverCallback, Address, DestroyCallback) thin abi("C") -> Int32
    var tls_set_number: def(Handle, Text, Int64) thin abi("C") -> Int32
    var tls_set_text: def(Handle, Text, Text) thin abi("C") -> Int32
    var server_listen_tls: def(Handle, Text, Handle) thin abi("C") -> Int32
    var server_reload_tls: def(Handle) thin abi("C") -> Int32
    var server_replace_tls: def(Handle, UInt, Handle) thin abi("C") -> Int32
    var request_tls: def(Handle, Text, Room, UInt) thin abi("C") -> UInt
    var request_peer_certificate: def(Handle, Place[UInt]) thin abi("C") -> Bytes
    var request_is_early: def(Handle) thin abi("C") -> Int32
    var abi_version: def() thin abi("C") -> UInt32
    var version: def() thin abi("C") -> Text
    var has_feature: def(Text) thin abi("C") -> Int32
    var router_ws: def(Handle, Text, Handle, WebsocketCallback, WebsocketMessageCallback, WebsocketCallback, WebsocketCloseCallback, Address, DestroyCallback) thin abi("C") -> Int32
    var websocket_retain: def(Handle) thin abi("C") -> Int32
    var websocket_release: def(Handle) thin abi("C") -> Int32
    var websocket_send: def(Handle, Int32, Bytes, UInt) thin abi("C") -> Int32
    var websocket_send_text: def(Handle, Text) thin abi("C") -> Int32
    var websocket_send_fragment: def(Handle, Int32, Bytes, UInt, Int32) thin abi("C") -> Int32
    var websocket_ping: def(Handle, Bytes, UInt) thin abi("C") -> Int32
    var websocket_close: def(Handle, Int32, Text) thin abi("C") -> Int32
    var websocket_is_open: def(Handle) thin abi("C") -> Int32
    var websocket_protocol: def(Handle, Room, UInt) thin abi("C") -> UInt
    var websocket_request: def(Handle) thin abi("C") -> Handle
    var websocket_log_error: def(Handle, Text) thin abi("C") -> Int32
    var websocket_set_data: def(Handle, Address, DestroyCallback) thin abi("C") -> Int32
    var websocket_data: def(Handle) thin abi("C") -> Address
    var websocket_subscribe: def(Handle, Text) thin abi("C") -> Int32
    var websocket_unsubscribe: def(Handle, Text) thin abi("C") -> Int32
    var websocket_publish: def(Handle, Text, Int32, Bytes, UInt) thin abi("C") -> Int32
    var websocket_missed: def(Handle) thin abi("C") -> UInt64
    var server_publish: def(Handle, Text, Int32, Bytes, UInt) thin abi("C") -> Int32
    var websocket_client_receive: def(Handle, Int64, Place[Handle]) thin abi("C") -> Int32
    var websocket_client_send: def(Handle, Int32, Bytes, UInt, Int64) thin abi("C") -> Int32
    var websocket_client_send_text: def(Handle, Text, Int64) thin abi("C") -> Int32
    var websocket_client_ping: def(Handle, Bytes, UInt) thin abi("C") -> Int32
    var websocket_client_close: def(Handle, Int32, Text) thin abi("C") -> Int32
    var websocket_client_free: def(Handle) thin abi("C") -> Int32
    var websocket_client_fd: def(Handle) thin abi("C") -> Int32
    var websocket_client_is_open: def(Handle) thin abi("C") -> Int32
    var websocket_client_http: def(Handle) thin abi("C") -> Int32
    var websocket_client_protocol: def(Handle, Room, UInt) thin abi("C") -> UInt
    var websocket_client_header: def(Handle, Text, Room, UInt) thin abi("C") -> UInt
    var websocket_event_kind: def(Handle) thin abi("C") -> Int32
    var websocket_event_data: def(Handle, Place[UInt]) thin abi("C") -> Bytes
    var websocket_event_code: def(Handle) thin abi("C") -> Int32
    var websocket_event_is_clean: def(Handle) thin abi("C") -> Int32
    var websocket_event_free: def(Handle) thin abi("C") -> Int32
    var websocket_opener_new: def() thin abi("C") -> Handle
    var websocket_opener_free: def(Handle) thin abi("C") -> Int32
    var websocket_opener_set_number: def(Handle, Text, Int64) thin abi("C") -> Int32
    var websocket_opener_set_text: def(Handle, Text, Text) thin abi("C") -> Int32
    var websocket_opener_add_header: def(Handle, Text, Text) thin abi("C") -> Int32
    var websocket_opener_set_connector: def(Handle, Handle) thin abi("C") -> Int32
    var websocket_opener_open: def(Handle, Text, Place[Handle], Place[Int32]) thin abi("C") -> Int32
    var websocket_opener_begin: def(Handle, Text, Place[Handle]) thin abi("C") -> Int32
    var websocket_opening_fd: def(Handle) thin abi("C") -> Int32
    var websocket_opening_poll: def(Handle, Place[Handle], Place[Int32]) thin abi("C") -> Int32
    var websocket_opening_cancel: def(Handle) thin abi("C") -> Int32
    var websocket_opening_free: def(Handle) thin abi("C") -> Int32
    var websocket_options_new: def() thin abi("C") -> Handle
    var websocket_options_free: def(Handle) thin abi("C") -> Int32
    var websocket_options_set_number: def(Handle, Text, Int64) thin abi("C") -> Int32
    var websocket_options_set_text: def(Handle, Text, Text) thin abi("C") -> Int32
    var websocket_options_set_otherwise: def(Handle, HandlerCallback, Address, DestroyCallback) thin abi("C") -> Int32


comptime NAMES: List[StaticString] = [
    "flare_client_new",
    "flare_client_connect",
    "flare_client_set_number",
    "flare_client_open",
    "flare_client_next",
    "flare_client_fetch",
    "flare_client_can_open",
    "flare_client_version",
    "flare_client_fd",
    "flare_client_wants_write",
    "flare_client_close",
    "flare_client_abort",
    "flare_client_free",
    "flare_config_new",
    "flare_config_free",
    "flare_config_set_number",
    "flare_config_set_text",
    "flare_connection_read",
    "flare_connection_write",
    "flare_connection_flush",
    "flare_connection_close_write",
    "flare_connection_close",
    "flare_connection_free",
    "flare_connection_fd",
    "flare_connection_peer",
    "flare_connection_tls",
    "flare_connector_new",
    "flare_connector_free",
    "flare_connector_set_number",
    "flare_connector_set_text",
    "flare_connector_add_roots",
    "flare_connector_set_certificate_files",
    "flare_connector_set_certificate_pem",
    "flare_connector_connect",
    "flare_connector_begin",
    "flare_connecting_fd",
    "flare_connecting_poll",
    "flare_connecting_cancel",
    "flare_connecting_free",
    "flare_response_switch_to_datagrams",
    "flare_response_send_datagram",
    "flare_response_max_datagram_size",
    "flare_request_read_datagram",
    "flare_request_offer_datagrams",
    "flare_request_send_datagram",
    "flare_request_max_datagram_size",
    "flare_router_add_files",
    "flare_server_host_start",
    "flare_server_fd",
    "flare_server_poll",
    "flare_server_drained",
    "flare_last_error",
    "flare_router_add_layer",
    "flare_route_options_add_layer",
    "flare_response_proceed",
    "flare_middleware_new",
    "flare_middleware_free",
    "flare_middleware_set_number",
    "flare_middleware_set_text",
    "flare_middleware_add_token",
    "flare_middleware_on_line",
    "flare_middleware_on_token",
    "flare_router_add_middleware",
    "flare_route_options_add_middleware",
    "flare_request_id",
    "flare_request_identity",
    "flare_request_client",
    "flare_mux_connect",
    "flare_mux_free",
    "flare_mux_open",
    "flare_mux_accept",
    "flare_mux_listener_bind",
    "flare_mux_listener_free",
    "flare_mux_listener_accept",
    "flare_mux_listener_address",
    "flare_mux_stream_free",
    "flare_mux_stream_write",
    "flare_mux_stream_write_blocking",
    "flare_mux_stream_read",
    "flare_mux_stream_finish",
    "flare_mux_stream_error",
    "flare_mux_stream_cancel",
    "flare_router_add_prepared",
    "flare_queue_new",
    "flare_queue_free",
    "flare_queue_close",
    "flare_router_add_queue",
    "flare_queue_next",
    "flare_queue_watch",
    "flare_response_relay",
    "flare_request_retain",
    "flare_request_release",
    "flare_request_method",
    "flare_request_path",
    "flare_request_query",
    "flare_request_authority",
    "flare_request_version",
    "flare_request_peer",
    "flare_request_local_address",
    "flare_request_header",
    "flare_request_header_count",
    "flare_request_header_name_at",
    "flare_request_header_value_at",
    "flare_request_trailer",
    "flare_request_trailer_count",
    "flare_request_trailer_name_at",
    "flare_request_trailer_value_at",
    "flare_request_param",
    "flare_request_offered_protocol",
    "flare_request_body",
    "flare_request_cancelled",
    "flare_request_read",
    "flare_request_on_event",
    "flare_request_resume",
    "flare_request_log_error",
    "flare_request_set_attribute",
    "flare_request_attribute",
    "flare_request_new",
    "flare_request_add_header",
    "flare_request_set_header",
    "flare_request_add_trailer",
    "flare_request_set_scheme",
    "flare_request_set_content_length",
    "flare_request_offer_protocol",
    "flare_request_write",
    "flare_request_write_blocking",
    "flare_request_finish",
    "flare_request_cancel",
    "flare_response_retain",
    "flare_response_release",
    "flare_response_add_header",
    "flare_response_set_header",
    "flare_response_add_trailer",
    "flare_response_send",
    "flare_response_send_text",
    "flare_response_send_json",
    "flare_response_send_as",
    "flare_response_send_borrowed",
    "flare_response_status",
    "flare_response_version",
    "flare_response_cancelled",
    "flare_response_header",
    "flare_response_header_count",
    "flare_response_header_name_at",
    "flare_response_header_value_at",
    "flare_response_trailer",
    "flare_response_trailer_count",
    "flare_response_trailer_name_at",
    "flare_response_trailer_value_at",
    "flare_response_body",
    "flare_response_start",
    "flare_response_switch_protocol",
    "flare_response_write",
    "flare_response_write_blocking",
    "flare_response_finish",
    "flare_response_flush",
    "flare_response_fail",
    "flare_response_reset",
    "flare_response_inform",
    "flare_response_send_file",
    "flare_response_send_source",
    "flare_route_options_new",
    "flare_route_options_free",
    "flare_route_options_set_number",
    "flare_router_new",
    "flare_router_free",
    "flare_router_add",
    "flare_router_add_with",
    "flare_router_mount",
    "flare_server_new",
    "flare_server_free",
    "flare_server_listen",
    "flare_server_set_log",
    "flare_server_set_access_log",
    "flare_server_on_worker_start",
    "flare_server_on_worker_stop",
    "flare_server_start",
    "flare_server_wait",
    "flare_server_run",
    "flare_serve",
    "flare_server_drain",
    "flare_server_drain_on_signals",
    "flare_server_address",
    "flare_server_stat",
    "flare_server_workers",
    "flare_server_post",
    "flare_status_name",
    "flare_tls_new",
    "flare_tls_free",
    "flare_tls_add_files",
    "flare_tls_add_pem",
    "flare_tls_add_self_signed",
    "flare_tls_set_resolver",
    "flare_tls_set_number",
    "flare_tls_set_text",
    "flare_server_listen_tls",
    "flare_server_reload_tls",
    "flare_server_replace_tls",
    "flare_request_tls",
    "flare_request_peer_certificate",
    "flare_request_is_early",
    "flare_abi_version",
    "flare_version",
    "flare_has_feature",
    "flare_router_ws",
    "flare_websocket_retain",
    "flare_websocket_release",
    "flare_websocket_send",
    "flare_websocket_send_text",
    "flare_websocket_send_fragment",
    "flare_websocket_ping",
    "flare_websocket_close",
    "flare_websocket_is_open",
    "flare_websocket_protocol",
    "flare_websocket_request",
    "flare_websocket_log_error",
    "flare_websocket_set_data",
    "flare_websocket_data",
    "flare_websocket_subscribe",
    "flare_websocket_unsubscribe",
    "flare_websocket_publish",
    "flare_websocket_missed",
    "flare_server_publish",
    "flare_websocket_client_receive",
    "flare_websocket_client_send",
    "flare_websocket_client_send_text",
    "flare_websocket_client_ping",
    "flare_websocket_client_close",
    "flare_websocket_client_free",
    "flare_websocket_client_fd",
    "flare_websocket_client_is_open",
    "flare_websocket_client_http",
    "flare_websocket_client_protocol",
    "flare_websocket_client_header",
    "flare_websocket_event_kind",
    "flare_websocket_event_data",
    "flare_websocket_event_code",
    "flare_websocket_event_is_clean",
    "flare_websocket_event_free",
    "flare_websocket_opener_new",
    "flare_websocket_opener_free",
    "flare_websocket_opener_set_number",
    "flare_websocket_opener_set_text",
    "flare_websocket_opener_add_header",
    "flare_websocket_opener_set_connector",
    "flare_websocket_opener_open",
    "flare_websocket_opener_begin",
    "flare_websocket_opening_fd",
    "flare_websocket_opening_poll",
    "flare_websocket_opening_cancel",
    "flare_websocket_opening_free",
    "flare_websocket_options_new",
    "flare_websocket_options_free",
    "flare_websocket_options_set_number",
    "flare_websocket_options_set_text",
    "flare_websocket_options_set_otherwise",
]
"""The names of the fields of `Api` in the library, in their order."""
