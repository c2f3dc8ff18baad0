"""English words; the shop is in Britain and prices its goods in euros."""

from crmlab.loaders.sample.words import Words, latin, listed

WORDS = Words(
    workspaces={"shop": "Sample shop", "library": "Sample library"},
    currency="EUR",
    decimals=2,
    minor_per_euro=100,
    price_step=1,
    discount_step=5,
    jalali=False,
    national_ids=False,
    time_zone="Europe/London",
    phone_region="GB",
    phone_code="+44",
    country="United Kingdom",
    female=latin(
        "Alice, Amelia, Anna, Beth, Bridget, Caroline, Catherine, Charlotte, Chloe, Claire, Daisy, "
        "Diana, Eleanor, Elizabeth, Ella, Emily, Emma, Esther, Eva, Evelyn, Fiona, Florence, Frances, "
        "Freya, Gemma, Georgia, Grace, Hannah, Harriet, Heather, Helen, Holly, Imogen, Isabel, Isla, "
        "Jane, Jasmine, Jennifer, Jessica, Joanna, Julia, Karen, Kate, Laura, Lily, Louise, Lucy, "
        "Lydia, Margaret, Maria, Martha, Mary, Megan, Molly, Naomi, Natalie, Nicola, Nora, Olivia, "
        "Phoebe, Poppy, Rachel, Rebecca, Renée=renee, Rosie, Ruby, Ruth, Sarah, Sophie, Stella, Susan, "
        "Tara, Theresa, Victoria, Violet, Wendy, Yasmin, Zara, Zoë=zoe"
    ),
    male=latin(
        "Aaron, Adam, Adrian, Alan, Albert, Alexander, Andrew, Anthony, Archie, Arthur, Barry, "
        "Benjamin, Bernard, Bradley, Brian, Callum, Cameron, Charles, Christopher, Colin, Connor, "
        "Craig, Daniel, David, Dennis, Dominic, Donald, Duncan, Dylan, Edward, Elliot, Eric, Ethan, "
        "Felix, Finley, Francis, Frederick, Gareth, Geoffrey, George, Gordon, Graham, Gregory, Harry, "
        "Henry, Hugh, Ian, Isaac, Jack, Jacob, James, Jason, Jeremy, John, Jonathan, Joseph, Joshua, "
        "Keith, Kenneth, Kevin, Lewis, Liam, Louis, Luke, Malcolm, Mark, Martin, Matthew, Max, Michael, "
        "Nathan, Neil, Nicholas, Noah, Oliver, Oscar, Patrick, Paul, Peter, Philip, Ralph, Raymond, "
        "Richard, Robert, Roger, Rory, Ryan, Samuel, Scott, Simon, Stephen, Stuart, Theo, Thomas, "
        "Timothy, Toby, Victor, Walter, William"
    ),
    surnames=latin(
        "Adams, Allen, Anderson, Andrews, Atkinson, Bailey, Baker, Barker, Barnes, Bell, Bennett, "
        "Booth, Bradley, Brooks, Brown, Burton, Butler, Campbell, Carter, Chapman, Clark, Clarke, "
        "Cole, Collins, Cook, Cooper, Cox, Cunningham, Davidson, Davies, Davis, Dawson, Dixon, Edwards, "
        "Ellis, Evans, Fisher, Fletcher, Foster, Fox, Fraser, Gibson, Gordon, Graham, Grant, Gray, "
        "Green, Griffiths, Hall, Hamilton, Harris, Harrison, Harvey, Henderson, Hill, Holmes, Howard, "
        "Hughes, Hunt, Hunter, Jackson, James, Jenkins, Johnson, Johnston, Jones, Kelly, Kennedy, King, "
        "Knight, Lawrence, Lee, Lewis, Lloyd, Marshall, Martin, Mason, Matthews, Miller, Mills, "
        "Mitchell, Moore, Morgan, Morris, Morrison, Murphy, Murray, Newman, O'Brien, O'Neill, Owen, "
        "Palmer, Parker, Patel, Pearce, Perry, Phillips, Poole, Powell, Price, Reid, Reynolds, "
        "Richards, Richardson, Roberts, Robertson, Robinson, Rogers, Rose, Ross, Russell, Ryan, "
        "Saunders, Scott, Shaw, Simpson, Smith, Spencer, Stevens, Stewart, Stone, Sullivan, Taylor, "
        "Thomas, Thompson, Turner, Walker, Walsh, Ward, Watson, Watts, Webb, Wells, West, White, "
        "Wilkinson, Williams, Wilson, Wood, Wright, Young"
    ),
    letters="abcdefghiklmnoprstuvwy",
    variants=(("ph", "f"), ("th", "t"), ("ck", "k"), ("ie", "y"), ("ll", "l"), ("tt", "t"), ("nn", "n"),
              ("c", "k"), ("y", "i"), ("é", "e"), ("son", "sen"), ("ar", "er"), ("a", "ae")),
    cities=(
        ("London", "Greater London", "SE## #@@"),
        ("London", "Greater London", "NW# #@@"),
        ("Manchester", "Greater Manchester", "M## #@@"),
        ("Birmingham", "West Midlands", "B## #@@"),
        ("Leeds", "West Yorkshire", "LS## #@@"),
        ("Sheffield", "South Yorkshire", "S## #@@"),
        ("Liverpool", "Merseyside", "L## #@@"),
        ("Bristol", "Avon", "BS# #@@"),
        ("Newcastle", "Tyne and Wear", "NE# #@@"),
        ("Nottingham", "Nottinghamshire", "NG# #@@"),
        ("Leicester", "Leicestershire", "LE# #@@"),
        ("Norwich", "Norfolk", "NR# #@@"),
        ("Oxford", "Oxfordshire", "OX# #@@"),
        ("Cambridge", "Cambridgeshire", "CB# #@@"),
        ("Exeter", "Devon", "EX# #@@"),
        ("York", "North Yorkshire", "YO## #@@"),
        ("Edinburgh", "Midlothian", "EH## #@@"),
        ("Glasgow", "Lanarkshire", "G## #@@"),
        ("Cardiff", "South Glamorgan", "CF## #@@"),
        ("Belfast", "Antrim", "BT# #@@"),
    ),
    streets=listed(
        "High Street|Station Road|Church Lane|Victoria Road|Park Avenue|Mill Lane|The Crescent|"
        "Queen Street|Albert Road|School Lane|Green Lane|Manor Road|Kings Road|North Street|Grange Road|"
        "The Avenue|Chapel Street|Windsor Close|York Road|Springfield Road|West End|Orchard Close|"
        "Bridge Street|Castle Street|Elm Grove|Meadow View|Cedar Drive|St John's Road|Market Place|"
        "Canal Street|Hawthorn Way|Rose Hill"
    ),
    address="{number} {street}",
    phone_prefixes=("+447400", "+447411", "+447512", "+447812", "+447912"),
    phone_digits=6,
    categories={"household": "Household", "electronics": "Electronics", "books": "Books"},
    products={
        "kettle": "Electric kettle 1.7 l", "teapot": "Porcelain teapot", "pan": "Frying pan 28 cm",
        "saucepan": "Saucepan with lid", "knives": "Knife set", "board": "Chopping board, beech",
        "vacuum": "Vacuum cleaner", "bags": "Dust bags, pack of 5", "fan": "Standing fan",
        "heater": "Fan heater", "blanket": "Wool blanket", "pillow": "Feather pillow",
        "lamp": "Desk lamp", "bulb": "LED bulb E27", "iron": "Steam iron", "ironing": "Ironing board",
        "phone": "Smartphone 128 GB", "case": "Phone case", "laptop": "Laptop 14 inch",
        "laptop_bag": "Laptop bag", "headphones": "Wireless headphones", "speaker": "Bluetooth speaker",
        "camera": "Compact camera", "memory": "Memory card 64 GB", "printer": "Colour printer",
        "ink": "Ink cartridge set", "tablet": "Tablet 10 inch", "charger": "USB-C charger",
        "television": "Television 43 inch", "mount": "Wall mount", "watch": "Fitness watch",
        "router": "Wi-Fi router", "novel": "The Salt Road, part one", "sequel": "The Salt Road, part two",
        "cookery": "Forty Soups", "travel": "Walks in the Highlands", "dictionary": "Pocket dictionary",
        "atlas": "Family atlas", "poems": "Collected poems", "crime": "The Clerk of Harwich",
        "history": "A short history of trade", "biography": "Life of an engineer",
        "children": "The Fox Who Counted", "colouring": "Colouring book of animals",
        "garden": "The small garden", "diary": "Pocket diary", "puzzles": "A hundred puzzles",
        "course": "Persian in thirty lessons",
    },
    titles={
        "Novels": (
            "The Salt Road, part one", "The Salt Road, part two", "Winter Harbour", "A House in the Fens",
            "The Glass Orchard", "Letters to Ada", "The Long Ferry", "Thirteen Lamps", "The Clockmaker",
            "Quiet Water",
        ),
        "Crime": (
            "The Clerk of Harwich, part one", "The Clerk of Harwich, part two", "Fog over Platform Two",
            "The Missing Ledger", "Cold Tea", "The Last Witness", "Murder by Post", "The Blue Key",
            "Nobody's Alibi", "A Stain on the Map",
        ),
        "Science": (
            "How Numbers Work, part one", "How Numbers Work, part two", "The Life of Rivers",
            "Birds of the Coast", "Stars without a Telescope", "The Chemistry of Bread", "Why Bridges Stand",
            "A Field Guide to Clouds", "The Curious Cell", "Weather at Sea",
        ),
        "History": (
            "A Short History of Trade, part one", "A Short History of Trade, part two", "The Silk Towns",
            "Kings and Printers", "The Canal Builders", "Women of the Mills", "The Night Mail",
            "Maps and Empires", "The Grain Tax", "Port Cities",
        ),
        "Children": (
            "The Fox Who Counted, part one", "The Fox Who Counted, part two", "Captain Button",
            "The Dragon's Umbrella", "My First Atlas", "Goodnight, Tractor", "The Invisible Cat",
            "A Pony for Mina", "Seven Small Bears", "The Snow School",
        ),
    },
    promotions=("WINTER22", "SPRING23", "SUMMER23", "AUTUMN23", "WINTER23", "SPRING24", "SUMMER24",
                "AUTUMN24", "WINTER24"),
    departments={
        "sales": "Sales", "support": "Customer support", "delivery": "Delivery", "billing": "Billing",
        "online": "Online shop", "store": "Stores",
    },
    roles=("clerk", "team leader"),
    touch_points={
        "website": "website", "store": "store visit", "delivery": "delivery",
        "support": "support call", "billing": "invoice",
    },
    subjects={
        "question": ("Question about an order",),
        "confirmation": ("Order confirmation",),
        "inbound": ("Price enquiry", "Change of address", "Is it in stock?",
                    "Warranty question", "Opening hours", "Advice on a product", "Account question"),
        "outbound": ("Delivery notice", "Newsletter", "Birthday greeting",
                     "Reminder of an open basket", "Follow-up call", "Invitation to an event"),
        "ticket": ("Request or complaint",),
        "calls": ("Sales call",),
    },
    topics={
        "late delivery": (
            "the parcel arrived nine days late", "nobody told me that the delivery was delayed",
            "I waited at home all day and the courier never came", "the tracking has not moved for a week",
            "the delivery date was changed three times", "my order is still in the depot",
            "the driver left a card although we were in", "express shipping took two weeks",
        ),
        "damaged goods": (
            "the box was crushed and the contents broken",
            "the glass was shattered when I opened the package",
            "there are deep scratches on the housing", "the packaging was torn and wet",
            "one corner is dented", "two of the pieces came in splinters",
            "it was packed without any padding", "the lid was cracked on arrival",
        ),
        "wrong invoice": (
            "the invoice shows an amount I never agreed to", "I was charged twice for the same purchase",
            "the refund is missing from my bank statement", "the discount was left off the bill",
            "you billed me for goods I sent back", "the tax on the invoice is wrong",
            "the reminder fee is unjustified because I had paid",
            "the receipt carries the wrong company name",
        ),
        "website errors": (
            "the page crashes when I press checkout", "I cannot log in with my password",
            "the search finds nothing at all", "the form keeps saying that my address is invalid",
            "the app loses my basket", "the confirmation link leads to an error message",
            "my browser warns me about the login page", "the site logs me out every minute",
        ),
        "long waiting": (
            "I hung in the telephone queue for forty minutes", "nobody answers the hotline",
            "I was passed from one agent to the next", "my e-mails have gone unanswered",
            "the music on hold is all I ever hear", "the call was cut off twice",
            "they promised to ring back and did not", "the chat agent simply vanished",
        ),
        "faulty product": (
            "it stopped working after two days", "the battery does not hold its charge",
            "the motor makes a grinding noise", "the switch is loose and sparks",
            "it overheats within minutes", "the display flickers and goes black",
            "a screw was missing and the hinge broke", "it leaks from the bottom",
        ),
    },
    openings=("I am disappointed:", "Good morning,", "Once more:", "This is not acceptable,",
              "To whom it may concern:", "I have to complain,", "Sorry, but", "Hello,"),
    closings=("Please put this right.", "I expect an answer this week.", "Thank you in advance.",
              "I shall shop elsewhere otherwise.", "What happens now?", "Please call me."),
    joint=", and ",
    phrases={
        "request": (
            "Please send me a copy of my receipt.", "I would like to change my delivery address.",
            "Please cancel my last order.", "Could you delete my old telephone number?",
            "I need an offer for ten pieces.", "Please exchange the size.",
        ),
        "question": (
            "Does the guarantee cover spare parts?", "When will it be in stock again?",
            "Do you deliver to Ireland?", "Which cable do I need for it?",
            "Can I pay by bank transfer?", "How long may I return it?",
        ),
        "praise": (
            "Your colleague was very helpful, thank you.", "Quick and friendly, keep it up.",
            "The best advice I have had in a shop.", "Everything arrived as promised, lovely.",
            "I recommend you to all my friends.", "Great quality for the price.",
        ),
    },
    drivers={"price": "price", "quality": "quality", "delivery": "delivery", "staff": "staff",
             "website": "website"},
    questions={
        "nps": "How likely are you to recommend us to a friend?",
        "csat": "How satisfied are you?",
        "ces": "How easy was it to get your issue solved?",
        "overall": "All in all, how satisfied are you with us?",
        "internal": "How satisfied are you with the work of this department?",
    },
    messages=(
        "Please call me back about an offer.", "I would like to know more about this product.",
        "Do you give discounts for larger orders?", "Please send me your catalogue.",
        "Is a demonstration possible in your store?", "When can you deliver?",
    ),
    campaigns={
        "spring": ("Spring offers 2024", "more purchases", "all customers"),
        "autumn": ("Autumn text message 2023", "more purchases", "bargain hunters"),
        "winter": ("Winter letter 2024", "win back", "rare buyers"),
    },
    consent_sources={"form": "registration form", "call": "telephone", "campaign": "unsubscribe link",
                     "account": "account page"},
)  # fmt: skip
