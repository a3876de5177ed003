#include "leadpipe/fold.h"
#include "leadpipe/mapping.h"

static const char *const names[LP_MEMBERS] = {
    [LP_MEMBER_EMAIL] = "email",
    [LP_MEMBER_FIRST_NAME] = "first_name",
    [LP_MEMBER_LAST_NAME] = "last_name",
    [LP_MEMBER_COMPANY] = "company",
    [LP_MEMBER_TITLE] = "title",
    [LP_MEMBER_PHONE] = "phone",
    [LP_MEMBER_LINKEDIN_URL] = "linkedin_url",
    [LP_MEMBER_CITY] = "city",
    [LP_MEMBER_COUNTRY] = "country",
    [LP_MEMBER_EMAILS_SENT] = "emails_sent",
    [LP_MEMBER_EMAILS_OPENED] = "emails_opened",
    [LP_MEMBER_CLICKS] = "clicks",
    [LP_MEMBER_CONVERSIONS] = "conversions",
    [LP_MEMBER_TAGS] = "tags",
};

/*
 * Header names as lp_mapping_normalise leaves them, by member; those after a "+" count only where
 * the file also has the header named there. Salutation-like and ambiguous words ("Lists", "State")
 * are not here: a column that nobody claims is kept in custom_fields.
 */
static const struct {
    enum lp_member member;
    const char *needs;    /* normalised header, or NULL */
    const char *synonyms; /* separated by blanks */
} table[] = {
    {LP_MEMBER_EMAIL, NULL,
        "email emailaddress emailadress mail mailaddress emailid emails primaryemail workemail "
        "businessemail companyemail contactemail email1 email1value email1address "
        "emailwork personalemail personemail leademail useremail subscriberemail emailaddress1 "
        "emailadresse mailadresse epost emailgeschäftlich geschäftlicheemail "
        "emailadressegeschäftlich "
        "courriel adressemail adresseemail adresseélectronique adresseelectronique "
        "adressecourriel mél emailprofessionnel adresseemailprofessionnelle "
        "correo correoelectrónico correoelectronico direccióndecorreo direccióndecorreoelectrónico "
        "direcciondecorreoelectronico correoe emailcorporativo"},
    {LP_MEMBER_FIRST_NAME, NULL,
        "firstname fname givenname forename contactfirstname leadfirstname first "
        "vorname rufname prénom prenom nombredepila primernombre"},
    {LP_MEMBER_FIRST_NAME, "apellidos", "nombre nombres"},
    {LP_MEMBER_FIRST_NAME, "apellido", "nombre nombres"},
    {LP_MEMBER_LAST_NAME, NULL,
        "lastname lname surname familyname contactlastname leadlastname last "
        "nachname familienname zuname nomdefamille apellido apellidos primerapellido"},
    {LP_MEMBER_LAST_NAME, "vorname", "name"},
    {LP_MEMBER_LAST_NAME, "prénom", "nom"},
    {LP_MEMBER_LAST_NAME, "prenom", "nom"},
    {LP_MEMBER_COMPANY, NULL,
        "company companyname organization organisation organizationname organisationname "
        "organization1name accountname companyaccount employer businessname "
        "currentcompany associatedcompany primarycompany firm "
        "firma firmenname unternehmen unternehmensname namedesunternehmens zugehörigesunternehmen "
        "firmaaccount unternehmenaccount arbeitgeber "
        "société societe entreprise nomdelentreprise nomdelasociété nomdelasociete raisonsociale "
        "nomducompte sociétécompte entrepriseassociée organisme "
        "empresa nombredelaempresa nombredeempresa compañía compañia compania organización "
        "organizacion razónsocial razonsocial nombredelacuenta compañíacuenta empresaasociada"},
    {LP_MEMBER_TITLE, NULL,
        "title jobtitle position role jobrole jobposition organization1title organizationtitle "
        "currenttitle currentposition worktitle "
        "titel jobtitel jobbezeichnung stellenbezeichnung berufsbezeichnung positionimunternehmen "
        "funktion beruf "
        "poste intituléduposte intituleduposte titreduposte fonction titre intitulédeposte "
        "cargo puesto puestodetrabajo títulodelpuesto titulodelpuesto título titulo"},
    {LP_MEMBER_PHONE, NULL,
        "phone phonenumber phone1 phone1value telephone telephonenumber tel mobile mobilephone "
        "mobilenumber mobilephonenumber cell cellphone workphone workdirectphone directphone "
        "businessphone corporatephone homephone otherphone primaryphone contactphone phonework "
        "phonemobile workphonenumber "
        "telefon telefonnummer telefonnr handy handynummer mobil mobiltelefon mobilnummer "
        "mobiltelefonnummer rufnummer telefongeschäftlich geschäftstelefon telefonmobil "
        "téléphone tél télmobile télportable numérodetéléphone numerodetelephone portable "
        "téléphoneportable "
        "telephoneportable téléphonemobile telephonemobile téléphoneprofessionnel téléphonefixe "
        "mobileprofessionnel numérodeportable numérodemobile numérodetéléphonemobile "
        "numérodetéléphoneportable "
        "teléfono telefono númerodeteléfono numerodetelefono móvil movil teléfonomóvil "
        "telefonomovil celular númerodeteléfonomóvil númerodemóvil teléfonodetrabajo"},
    {LP_MEMBER_LINKEDIN_URL, NULL,
        "linkedinurl linkedin linkedinprofile linkedinprofileurl personlinkedinurl "
        "contactlinkedinurl linkedinlink linkedinbio profileurl linkedinprofil profillinkedin "
        "urllinkedin urlduprofillinkedin perfildelinkedin urldelinkedin urldeperfildelinkedin "
        "linkedinpersonurl"},
    {LP_MEMBER_LINKEDIN_URL, "connectedon", "url"},
    {LP_MEMBER_LINKEDIN_URL, "verbundenam", "url"},
    {LP_MEMBER_LINKEDIN_URL, "datedeconnexion", "url"},
    {LP_MEMBER_LINKEDIN_URL, "conectadoel", "url"},
    {LP_MEMBER_CITY, NULL,
        "city town mailingcity billingcity address1city homecity personcity locality workcity "
        "stadt ort wohnort ortschaft postanschriftort ville villepostale ciudad población "
        "poblacion "
        "localidad"},
    {LP_MEMBER_COUNTRY, NULL,
        "country countryregion mailingcountry billingcountry address1country personcountry "
        "countryname homecountry nation countryterritory mailingcountryterritory "
        "billingcountryterritory "
        "land staat landregion postanschriftland pays paysrégion paysregion payspostal país pais "
        "paísregión paisregion"},
    {LP_MEMBER_EMAILS_SENT, NULL,
        "emailssent numberofemailssent emailsdelivered marketingemailsdelivered "
        "gesendeteemails emailsgesendet versendeteemails emailsenvoyés emailsenvoyes "
        "courrielsenvoyés correosenviados emailsenviados"},
    {LP_MEMBER_EMAILS_OPENED, NULL,
        "emailsopened opens emailopens totalopens marketingemailsopened "
        "geöffneteemails emailsgeöffnet öffnungen emailsouverts ouvertures courrielsouverts "
        "correosabiertos emailsabiertos aperturas"},
    {LP_MEMBER_CLICKS, NULL,
        "clicks emailclicks emailsclicked totalclicks linkclicks marketingemailsclicked "
        "klicks clics clicsdeemail"},
    {LP_MEMBER_CONVERSIONS, NULL,
        "conversions conversioncount totalconversions numberofconversions konversionen "
        "conversiones"},
    {LP_MEMBER_TAGS, NULL,
        "tags tag labels label contacttags groupmembership schlagworte schlagwörter stichworte "
        "etiketten "
        "étiquettes etiquettes motsclés motscles libellés etiquetas"},
};

const char *lp_member_name(enum lp_member m)
{
    return names[m];
}

enum lp_member lp_member_from(struct lp_str name)
{
    for (int m = 0; m < LP_MEMBERS; m++)
        if (lp_str_is(name, names[m]))
            return (enum lp_member)m;
    return LP_MEMBER_CUSTOM;
}

/* How many bytes at p are a mark that people set or leave out: blanks, hyphens, quotes and the like. */
static size_t mark_at(const char *p, size_t n)
{
    unsigned char last = n > 2 ? (unsigned char)p[2] : 0;

    if (*p && strchr(" \t\r\n_-./:()*'\"", *p))
        return 1;
    if (n > 1 && memcmp(p, "\xc2\xa0", 2) == 0) /* no-break space */
        return 2;
    if (n < 3 || memcmp(p, "\xe2\x80", 2) != 0)
        return 0;
    /* Hyphens and dashes, typographic quotes, narrow no-break space. */
    return (last >= 0x90 && last <= 0x9f) || last == 0xaf ? 3 : 0;
}

void lp_mapping_normalise(struct lp_str header, struct lp_buf *out)
{
    size_t from = out->len, to = from, mark;

    lp_fold(header, out);
    for (size_t i = from; i < out->len; i += mark ? mark : 1) {
        mark = mark_at(out->p + i, out->len - i);
        if (!mark)
            out->p[to++] = out->p[i];
    }
    out->len = to;
    if (out->p)
        out->p[to] = '\0';
}

/* Is the word one of the blank-separated ones? */
static bool among(struct lp_str word, const char *words)
{
    while (*words) {
        size_t n = strcspn(words, " ");
        if (n == word.n && memcmp(words, word.p, n) == 0)
            return true;
        words += n;
        words += strspn(words, " ");
    }
    return false;
}

enum lp_member lp_mapping_synonym(
    struct lp_str normalised, bool (*has)(const void *arg, const char *header), const void *arg)
{
    if (normalised.n == 0)
        return LP_MEMBER_CUSTOM;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (among(normalised, table[i].synonyms) && (!table[i].needs || has(arg, table[i].needs)))
            return table[i].member;
    return LP_MEMBER_CUSTOM;
}
