"""Small lists in the forms of OFAC, about persons, firms and ships that do not exist."""

from __future__ import annotations

HEADINGS = "ID,Name,Type,Country,Title,Col_F,Col_G,Col_H,Col_I,Col_J,Col_K,Details"
PERSON = (
    '90001,"AL-MUSAFIR, Najib",individual,TESTLAND] [SDNTK,Broker,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,"DOB 12 May 1970; '
    "alt. DOB circa 1971; POB Port Example, Morocco; nationality Morocco; alt. nationality Sudan; Gender Male; Passport "
    "AB1234567 (Morocco) issued 03 Feb 2001 expires 02 Feb 2006; National ID No. 12345-678 (Morocco); a.k.a. 'THE "
    "FERRYMAN'; Email Address najib@example.org; Secondary sanctions risk: none at all; something nobody knows.\""
)
FIRM = (
    '90002,BLUE LANTERN SHIPPING,-0- ,TESTLAND,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,"Tax ID No. 7700000001 (Italy); '
    'Organization Established Date 30 Jun 2007; Website www.lantern.example."'
)
SHIP = (
    '90003,LANTERN ONE,vessel,TESTLAND,-0- ,XX2192,Bulk Carrier,"318,000",640,Panama,Blue Lantern Shipping,Vessel '
    "Registration Identification IMO 9074729; MMSI 572000001."
)
END = "\x1a,,,,,,,,,,,"


def sdn_csv(*rows: str, headings: bool = True) -> bytes:
    """The bytes of a list that holds these rows, as OFAC ends its lines and files."""
    return "\r\n".join([*([HEADINGS] if headings else []), *rows, END]).encode()


SDN_NAMESPACE = "https://sanctionslistservice.ofac.treas.gov/api/PublicationPreview/exports/XML"
ENTRY = """
<sdnEntry><uid>90001</uid><firstName>Najib</firstName><lastName>AL-MUSAFIR</lastName><sdnType>Individual</sdnType>
<remarks>An invented person.</remarks><programList><program>TESTLAND</program></programList>
<idList><id><uid>1</uid><idType>Gender</idType><idNumber>Male</idNumber></id>
<id><uid>2</uid><idType>Passport</idType><idNumber>AB1234567</idNumber><idCountry>Morocco</idCountry></id></idList>
<akaList><aka><uid>3</uid><type>f.k.a.</type><category>strong</category><lastName>ELMOSAFIR</lastName>
<firstName>Nagib</firstName></aka><aka><uid>4</uid><type>a.k.a.</type><category>weak</category>
<lastName>FERRYMAN</lastName></aka></akaList>
<addressList><address><uid>5</uid><address1>1 Quay Street</address1><city>Port Example</city><country>Morocco</country>
</address></addressList>
<dateOfBirthList><dateOfBirthItem><uid>6</uid><dateOfBirth>12 May 1970</dateOfBirth></dateOfBirthItem></dateOfBirthList>
<placeOfBirthList><placeOfBirthItem><uid>7</uid><placeOfBirth>Port Example</placeOfBirth></placeOfBirthItem>
</placeOfBirthList></sdnEntry>"""


def sdn_xml(*entries: str, published: str = "05/06/2026", namespace: str = SDN_NAMESPACE) -> bytes:
    """The bytes of an ``sdnList`` that holds these entries."""
    information = f"<publshInformation><Publish_Date>{published}</Publish_Date></publshInformation>"
    return f'<?xml version="1.0"?><sdnList xmlns="{namespace}">{information}{"".join(entries)}</sdnList>'.encode()


ENHANCED_NAMESPACE = "https://sanctionslistservice.ofac.treas.gov/api/PublicationPreview/exports/ENHANCED_XML"
ENTITY = """ <entity id="90001"><generalInfo><identityId>7</identityId><entityType refId="600">Individual</entityType>
<title>Broker</title></generalInfo> <sanctionsLists><sanctionsList refId="1" id="2"
datePublished="2020-02-03T00:00:00">SDN List</sanctionsList></sanctionsLists> <sanctionsPrograms><sanctionsProgram
refId="3" id="4">TESTLAND</sanctionsProgram></sanctionsPrograms> <names><name
id="10"><isPrimary>false</isPrimary><aliasType refId="5">A.K.A.</aliasType><isLowQuality>true</isLowQuality>
<translations><translation id="11"><script refId="215">Latin</script><formattedLastName>FERRYMAN</formattedLastName>
<formattedFullName>FERRYMAN</formattedFullName></translation></translations></name> <name
id="12"><isPrimary>true</isPrimary><isLowQuality>false</isLowQuality><translations> <translation
id="13"><isPrimary>true</isPrimary><script refId="215">Latin</script>
<formattedFirstName>Najib</formattedFirstName><formattedLastName>AL-MUSAFIR</formattedLastName>
<formattedFullName>AL-MUSAFIR, Najib</formattedFullName></translation> <translation
id="14"><isPrimary>false</isPrimary><script refId="160">Arabic</script>
<formattedFirstName>نجيب</formattedFirstName><formattedLastName>المسافر</formattedLastName>
<formattedFullName>المسافر، نجيب</formattedFullName></translation></translations></name></names> <addresses><address
id="20"><country refId="900">Morocco</country><translations><translation id="21"><addressParts> <addressPart
id="22"><type>CITY</type><value>Port Example</value></addressPart></addressParts></translation></translations>
</address></addresses> <features><feature id="30"><type featureTypeId="8">Birthdate</type><value>circa
1970</value><valueDate id="31">
<fromDateBegin>1970-01-01</fromDateBegin><fromDateEnd>1970-01-01</fromDateEnd><toDateBegin>1970-12-31</toDateBegin>
<toDateEnd>1970-12-31</toDateEnd><isApproximate>true</isApproximate><isDateRange>false</isDateRange></valueDate></feature>
<feature id="32"><type featureTypeId="9">Phone Number</type><value>212661</value></feature></features>
<identityDocuments><identityDocument id="40"><type
refId="50">Passport</type><documentNumber>AB1234567</documentNumber> <isValid>false</isValid><issuingCountry
refId="900">Morocco</issuingCountry><expirationDate id="41">
<fromDateBegin>2006-02-02</fromDateBegin><toDateEnd>2006-02-02</toDateEnd></expirationDate></identityDocument>
</identityDocuments> <relationships><relationship id="60"><type refId="70">Owned or Controlled By</type>
<relatedEntity entityId="90002">BLUE LANTERN SHIPPING</relatedEntity></relationship></relationships></entity>"""


def enhanced_xml(*entities: str) -> bytes:
    """The bytes of a ``sanctionsData`` that holds these entities."""
    return (
        f'<?xml version="1.0"?><sanctionsData xmlns="{ENHANCED_NAMESPACE}"><publicationInfo>'
        "<dataAsOf>2026-08-28T00:00:00</dataAsOf></publicationInfo><referenceValues><referenceValue refId='900'>"
        "<type>COUNTRY</type><value>Morocco</value><isoCode>MA</isoCode></referenceValue></referenceValues>"
        f"<featureTypes/><entities>{''.join(entities)}</entities></sanctionsData>"
    ).encode()
