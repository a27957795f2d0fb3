/* SPDX-License-Identifier: Apache-2.0 */
#include "result.h"

const struct result_row result_rows[RESULT_KINDS] = {
	[RESULT_EXCHANGE] = { "exchange", RESULT_BY_EXCHANGE },
	[RESULT_PENDING] = { "pending exchange", RESULT_BY_EXCHANGE },
	[RESULT_IN_FLIGHT] = { "open exchange", RESULT_BY_EXCHANGE },
	[RESULT_CONN_OPENED] = { "connection opened", RESULT_BY_CONN_ITSELF },
	[RESULT_CONN_CLOSED] = { "connection closed", RESULT_BY_CONN_ITSELF },
	[RESULT_OPAQUE] = { "opaque connection", RESULT_BY_CONN },
	[RESULT_UNSEEN] = { "unseen socket", RESULT_BY_CONN },
	[RESULT_CALL] = { "call", RESULT_BY_CONN },
	[RESULT_FRAME] = { "frame", RESULT_BY_CONN },
	[RESULT_SECRET] = { "secret", RESULT_BY_CONN },
	[RESULT_MESSAGE] = { "message", RESULT_BY_EXCHANGE },
};
