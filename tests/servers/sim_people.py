"""People and companies of the simulated vendors, made from the address alone: the same address is
answered with the same facts by every vendor, every run and every test that wants to recompute them.

Special local parts (the part before "@", before any "+" or digits; so nobody17@x.test is a nobody):
    nobody      no vendor knows it: a miss
    half        known, but without a job title
    jobless     known, but without a company
    invalid, catchall, random
                mailboxes that qualify as such
    info, sales, support, contact, admin, office, hello
                role mailboxes
Addresses at FREE_DOMAINS are private ones.
"""
import hashlib
import re

FIRST = ("Ada", "Bruno", "Chloé", "Dmitri", "Elif", "Farid", "Grace", "Håkan", "Ines", "Jürgen",
         "Kenji", "Lucía", "Mei", "Noor", "Oluwaseun", "Priya")
LAST = ("Ashby", "Bäcker", "Castillo", "Dubois", "Eriksen", "Fontaine", "García", "Horák", "Ito",
        "Jensen", "Kovács", "Lindqvist", "Moreau", "Nowak", "O'Neill", "Petrov")
TITLES = ("Chief Executive Officer", "Head of Sales", "Marketing Manager", "Software Engineer",
          "VP Operations", "Buyer", "Data Analyst", "Account Executive")
LEVELS = ("c_suite", "head", "manager", "entry", "vp", "entry", "entry", "entry")
CITIES = (("Berlin", "Germany"), ("Lyon", "France"), ("Madrid", "Spain"), ("Oslo", "Norway"),
          ("Austin", "United States"), ("Osaka", "Japan"), ("Leeds", "United Kingdom"),
          ("Toronto", "Canada"))
INDUSTRIES = ("software", "logistics", "machinery", "retail", "consulting", "biotechnology")
SIZES = (7, 24, 80, 210, 640, 1800, 5200, 12000)
ROLES = frozenset(("info", "sales", "support", "contact", "admin", "office", "hello"))
FREE_DOMAINS = frozenset(("gmail.com", "outlook.com", "yahoo.com", "gmx.de", "web.de", "free.fr"))
_case = re.compile(r"^([a-z_]+?)(?:[-_.]?\d+|\+.*)?$")
_known = {}


def case_of(email):
    """The special word of an address: "nobody" for Nobody7+x@a.test; else its local part."""
    local = email.split("@", 1)[0].lower()
    match = _case.match(local)
    return match.group(1) if match else local


class Person:
    """What is true of the person at an address."""
    __slots__ = ("email", "case", "id", "first", "last", "title", "level", "city", "country",
                 "company", "domain", "industry", "size", "phone", "linkedin", "qualification")

    def __init__(self, email):
        digest = hashlib.sha256(email.encode("utf-8", "surrogatepass")).digest()
        self.email = email
        self.case = case_of(email)
        self.id = digest[:12].hex()
        self.first = FIRST[digest[0] % len(FIRST)]
        self.last = LAST[digest[1] % len(LAST)]
        self.title = TITLES[digest[2] % len(TITLES)] if self.case != "half" else None
        self.level = LEVELS[digest[2] % len(LEVELS)] if self.case != "half" else None
        self.city, self.country = CITIES[digest[3] % len(CITIES)]
        self.phone = "+4930%07d" % (int.from_bytes(digest[4:8], "big") % 10000000)
        self.linkedin = "linkedin.com/in/" + self.id[:10]
        self.domain = email.rsplit("@", 1)[-1].lower()
        firm = hashlib.sha256(self.domain.encode("utf-8", "surrogatepass")).digest()
        has_company = self.case != "jobless"
        name = self.domain.split(".")[0].replace("-", " ").title()
        self.company = name if has_company else None
        self.industry = INDUSTRIES[firm[0] % len(INDUSTRIES)] if has_company else None
        self.size = SIZES[firm[1] % len(SIZES)] if has_company else None
        self.qualification = self._qualify()

    def _qualify(self):
        where = "perso" if self.domain in FREE_DOMAINS else "pro"
        if self.case == "invalid" or self.case == "nobody":
            return "invalid@" + where
        if self.case == "catchall":
            return "catch_all@" + where
        if self.case == "random":
            return "random@" + where
        return ("generic@" if self.case in ROLES else "nominative@") + where


def person(email):
    """The person of an address, or None: a miss."""
    found = _known.get(email)
    if found is None:
        if len(_known) > 200000:
            _known.clear()
        found = _known[email] = Person(email)
    return None if found.case == "nobody" else found


def email_from_names(item, domain):
    """The address of somebody who was named but not addressed: first.last@domain."""
    first = (item.get("first_name") or "").strip().lower()
    last = (item.get("last_name") or "").strip().lower()
    if not (first and last and domain):
        return None
    return "%s.%s@%s" % (first, last, domain)
