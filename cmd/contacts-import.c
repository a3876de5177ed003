/*
 * contacts-import - CSV files in, contacts out
 *
 * - Exports differ in delimiter, encoding and header names, and people do not know which they have: all
 *   three are found out from the start of the file, told on standard error, and can be overridden.
 * - Only header names are interpreted, never values: a phone number stays the string it was, "=1+1"
 *   stays text, and a column nobody knows is kept in custom_fields. Nothing is dropped silently.
 * - A bad row is a reject with its line, byte offset and header, and costs no other row. Rejects can be
 *   edited and given back to this program.
 * - It asks nobody and links no network library, so it starts in a millisecond.
 */
#include "leadpipe/charset.h"
#include "leadpipe/csv.h"
#include "leadpipe/fold.h"
#include "leadpipe/idn.h"
#include "leadpipe/import.h"
#include "leadpipe/jq.h"

static struct lp_import_options options;

#define AT(member) offsetof(struct lp_import_options, member)

static const struct lp_opt table[] = {
    {'m', "map", LP_OPT_STRING, AT(map), "FILE",
        "which column is which member, and jq expressions for members (JSON)", "file", 0},
    {0, "print-map", LP_OPT_FLAG, AT(print_map), NULL,
        "write the map of the first file and end, to edit it for --map", "", 0},
    {'t', "tag", LP_OPT_LIST, AT(tags), "TAG", "add a tag to every contact (repeatable)", "", 0},
    {0, "campaign", LP_OPT_STRING, AT(campaign), "ID", "set imported_from_campaign", "", 0},
    {0, "dedupe", LP_OPT_CHOICE, AT(dedupe), LP_IMPORT_DEDUPE,
        "of rows with the same address: keep the first (default) or last, merge them, or keep all",
        "", 0},
    {0, "no-header", LP_OPT_FLAG, AT(no_header), NULL,
        "the first row is data; columns are column_1, column_2, ...", "", 0},
    {'d', "delimiter", LP_OPT_STRING, AT(delimiter), "CHAR",
        "one character or \"tab\" (default: found out)", "", 0},
    {0, "encoding", LP_OPT_STRING, AT(encoding), "NAME",
        "any that iconv knows (default: found out)", "", 0},
    LP_OPT_END,
};

static const char *(*const versions[])(void) = {
    lp_csv_version, lp_idn_version, lp_fold_version, lp_jq_version, lp_charset_version, NULL};

static const struct lp_program program = {
    .name = "contacts-import",
    .summary = "read contacts from CSV files, as CRMs and spreadsheets export them",
    .operands = "[FILE...]",
    .examples = "contacts-import leads.csv | enrich | verify > contacts.ndjson\n"
                "contacts-import --tag fair --campaign spring a.csv b.csv > contacts.ndjson\n"
                "contacts-import --print-map leads.csv > map.json   # edit it, then:\n"
                "contacts-import --map map.json leads.csv > contacts.ndjson\n"
                "contacts-import --rejects bad.ndjson leads.csv > contacts.ndjson\n"
                "contacts-import bad.ndjson > more.ndjson           # once they are mended",
    .opts = table,
    .settings = &options,
    .versions = versions,
    .drive = lp_import_drive,
};

int main(int argc, char **argv)
{
    return lp_run(&program, argc, argv);
}
