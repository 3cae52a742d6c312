// What people read of an export: an EML for each item, and one CSV with a row for each. Deterministic functions of the
// Item, so that a verifier can write them again.
#pragma once

#include <string>
#include <string_view>

#include "audit/export_format/item.h"

namespace yizhan::audit {

// An Internet message (RFC 5322, MIME; CRLF lines; UTF-8 in encoded words and a base64 body). Addresses are made from
// ids under yizhan.invalid, which by RFC 2606 leads nowhere. Messages of one conversation share a reference, so that
// mail programs show them as one thread.
std::string RenderEml(const Item& item);

// A cell of RFC 4180: quoted where needed; a text that a spreadsheet would take for a formula (it begins with = + - @
// in either width, a tab or a carriage return) gets an apostrophe in front.
std::string CsvCell(std::string_view text);

// The CSV's beginning: UTF-8 byte order mark and the row of column names. And the row of one item. Both end with CRLF.
std::string CsvHead();
std::string CsvRow(const Item& item);

}  // namespace yizhan::audit
