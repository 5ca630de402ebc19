// libcurl's setters and getters are variadic, which Swift cannot call. Each option that HTTPClient uses has one typed
// function here, so that a wrong argument type does not compile.
#pragma once
#include <curl/curl.h>

typedef size_t (*billwright_curl_data)(char *bytes, size_t size, size_t count, void *context);

#define BILLWRIGHT_SET(name, option, type) \
    static inline CURLcode billwright_curl_set_##name(CURL *handle, type value) { \
        return curl_easy_setopt(handle, option, value); \
    }

BILLWRIGHT_SET(url, CURLOPT_URL, const char *)
BILLWRIGHT_SET(connect_to, CURLOPT_CONNECT_TO, struct curl_slist *)
BILLWRIGHT_SET(private, CURLOPT_PRIVATE, void *)
BILLWRIGHT_SET(no_signal, CURLOPT_NOSIGNAL, long)
BILLWRIGHT_SET(no_proxy, CURLOPT_NOPROXY, const char *)
BILLWRIGHT_SET(protocols, CURLOPT_PROTOCOLS_STR, const char *)
BILLWRIGHT_SET(http_version, CURLOPT_HTTP_VERSION, long)
BILLWRIGHT_SET(follow_location, CURLOPT_FOLLOWLOCATION, long)
BILLWRIGHT_SET(total_timeout_ms, CURLOPT_TIMEOUT_MS, long)
BILLWRIGHT_SET(connect_timeout_ms, CURLOPT_CONNECTTIMEOUT_MS, long)
BILLWRIGHT_SET(tls_version, CURLOPT_SSLVERSION, long)
BILLWRIGHT_SET(verify_peer, CURLOPT_SSL_VERIFYPEER, long)
BILLWRIGHT_SET(verify_host, CURLOPT_SSL_VERIFYHOST, long)
BILLWRIGHT_SET(ca_file, CURLOPT_CAINFO, const char *)
BILLWRIGHT_SET(fresh_connect, CURLOPT_FRESH_CONNECT, long)
BILLWRIGHT_SET(error_buffer, CURLOPT_ERRORBUFFER, char *)
BILLWRIGHT_SET(write_function, CURLOPT_WRITEFUNCTION, billwright_curl_data)
BILLWRIGHT_SET(write_context, CURLOPT_WRITEDATA, void *)
BILLWRIGHT_SET(header_function, CURLOPT_HEADERFUNCTION, billwright_curl_data)
BILLWRIGHT_SET(header_context, CURLOPT_HEADERDATA, void *)
BILLWRIGHT_SET(read_function, CURLOPT_READFUNCTION, billwright_curl_data)
BILLWRIGHT_SET(read_context, CURLOPT_READDATA, void *)

// HTTP
BILLWRIGHT_SET(method, CURLOPT_CUSTOMREQUEST, const char *)
BILLWRIGHT_SET(no_body, CURLOPT_NOBODY, long)
BILLWRIGHT_SET(headers, CURLOPT_HTTPHEADER, struct curl_slist *)
BILLWRIGHT_SET(body_size, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t)
BILLWRIGHT_SET(copied_body, CURLOPT_COPYPOSTFIELDS, const void *)

// SMTP
BILLWRIGHT_SET(upload, CURLOPT_UPLOAD, long)
BILLWRIGHT_SET(upload_size, CURLOPT_INFILESIZE_LARGE, curl_off_t)
BILLWRIGHT_SET(reply_timeout_s, CURLOPT_SERVER_RESPONSE_TIMEOUT, long)
BILLWRIGHT_SET(mail_from, CURLOPT_MAIL_FROM, const char *)
BILLWRIGHT_SET(mail_recipients, CURLOPT_MAIL_RCPT, struct curl_slist *)
BILLWRIGHT_SET(use_tls, CURLOPT_USE_SSL, long)
BILLWRIGHT_SET(user, CURLOPT_USERNAME, const char *)
BILLWRIGHT_SET(password, CURLOPT_PASSWORD, const char *)

static inline CURLcode billwright_curl_response_code(CURL *handle, long *value) {
    return curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, value);
}
static inline CURLcode billwright_curl_request_size(CURL *handle, long *value) {
    return curl_easy_getinfo(handle, CURLINFO_REQUEST_SIZE, value);
}
static inline CURLcode billwright_curl_private(CURL *handle, void **value) {
    return curl_easy_getinfo(handle, CURLINFO_PRIVATE, value);
}
static inline CURLMcode billwright_curl_set_kept_connections(CURLM *handle, long value) {
    return curl_multi_setopt(handle, CURLMOPT_MAXCONNECTS, value);
}
