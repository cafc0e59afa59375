"""`page`: a page of 200 over HTTP, found by three filters, beside the bare query for its rows."""
