/*
 * Invented leads for the benchmark: rows ROWS > file.csv. 12 columns, about 180 bytes a row, UTF-8
 * with accents, about one row in ten with quoted cells. The same bytes every time.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t state = 42;

static uint32_t roll(uint32_t n)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % n;
}

static const char *const first[] = {"Anna", "Björn", "Carlos", "Dorothée", "Émile", "Fatima",
    "George", "Hannah", "Ingrid", "José", "Katarzyna", "Liam", "María", "Noah", "Olivia", "Priya"};
static const char *const last[] = {"Müller", "Schneider", "García", "Dupont", "O'Neill", "Nowak",
    "Smith", "Johansson", "Rossi", "Yamamoto", "Van den Berg", "Fernández", "Okafor", "Weiß",
    "Keller", "Brown"};
static const char *const firm[] = {"Acme Logistics", "Nordlicht Software GmbH", "Blue Harbor Media",
    "Fabrique du Rhône", "Quarry & Sons", "Altamira Sistemas", "Pine Street Bakery",
    "Delta Instruments"};
static const char *const suffix[] = {
    "", " Europe", " International", " Holding", " Services", " Group"};
static const char *const title[] = {"Head of Marketing", "Chief Technology Officer",
    "Sales Manager", "Directrice commerciale", "Geschäftsführer", "Office Manager",
    "Software Engineer", "Buyer"};
static const char *const city[] = {
    "Berlin", "Lyon", "Zürich", "Madrid", "Austin", "Toronto", "Kraków", "Göteborg"};
static const char *const country[] = {
    "Germany", "France", "Switzerland", "Spain", "United States", "Canada", "Poland", "Sweden"};

#define PICK(table) table[roll(sizeof(table) / sizeof(table[0]))]

int main(int argc, char **argv)
{
    long rows = argc > 1 ? strtol(argv[1], NULL, 10) : 1000000;

    puts("First Name,Last Name,Email,Company,Job Title,Phone Number,City,Country,LinkedIn URL,"
         "Tags,Lead Source,Notes");
    for (long i = 0; i < rows; i++) {
        uint32_t where = roll(8);
        int quoted = roll(10) == 0;
        printf("%s,%s,contact.%07ld@%c%u.example,%s%s,%s,+49 30 %07u,%s,%s,", PICK(first),
            PICK(last), i, (int)('a' + roll(26)), roll(40000), PICK(firm), PICK(suffix),
            PICK(title), roll(10000000), city[where], country[where]);
        printf(
            "https://linkedin.com/in/c%07ld,%s,", i, quoted ? "\"vip, newsletter\"" : "newsletter");
        printf("%s,%s\n", roll(2) ? "Trade fair" : "Web form",
            quoted ? "\"Said: \"\"call me\"\", then hung up\"" : "Asked for it");
    }
    return fflush(stdout) != 0;
}
