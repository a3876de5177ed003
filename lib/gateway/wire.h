/*
 * wire (internal) - a finished HTTP request: the adapter's description with the secrets in their
 * places
 *
 * Owns: struct lp_wire owns every byte of the request until the next lp_wire_make, _wipe or _free
 * Units: -
 * Errors: -
 */
#ifndef LP_GATEWAY_WIRE_H
#define LP_GATEWAY_WIRE_H

#include "leadpipe/http.h"
#include "leadpipe/provider.h"

struct lp_wire {
    struct lp_http_request request; /* deadline is the caller's to set */
    bool masked;                    /* secrets appear as **** */
    struct lp_buf method, url, body, header_text, user, password, scratch;
    const char **headers;
    size_t header_room;
};

/* From {method, url, query, headers, body, auth}; false: it has no url. */
bool lp_wire_make(struct lp_wire *w, const struct lp_provider *p, struct lp_str description);
/* The same request as a JSON object: {method, url, headers, body, basic}. */
void lp_wire_put(const struct lp_wire *w, struct lp_buf *json);
/* Overwrites what may have held secrets. */
void lp_wire_wipe(struct lp_wire *w);
void lp_wire_free(struct lp_wire *w);

#endif
