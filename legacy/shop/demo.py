"""The demo's data: the same on every machine, so that tests and benchmarks compare like with like.

Everything random comes from one generator with a fixed seed, and every date from one fixed day.
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, Permission
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils.text import slugify
from PIL import Image, ImageDraw

from legacy.accounts.models import User

from .models import Category, Order, OrderLine, Product, ProductImage, Review, Tenant

SEED = 20250301
START = datetime(2025, 3, 1, 9, 0, tzinfo=ZoneInfo("Europe/Athens"))
PRODUCTS_PER_CATEGORY = 125
REVIEWERS = 30
REVIEWS = 3000
ORDERS = 60
IMAGES = 12
FIRST_SKU = "AG-00001"

CATEGORIES = {
    "Books": ("Atlas", "Cookbook", "Diary", "Dictionary", "Field Guide", "Novel", "Poems", "Travel Guide"),
    "Clothing": ("Belt", "Cap", "Cardigan", "Gloves", "Jacket", "Scarf", "Shirt", "Socks"),
    "Electronics": ("Charger", "Clock", "Headphones", "Keyboard", "Lamp", "Radio", "Speaker", "Torch"),
    "Garden": ("Bench", "Birdhouse", "Bucket", "Flowerpot", "Hose", "Rake", "Trowel", "Watering Can"),
    "Home & Kitchen": (
        "Bowl",
        "Carafe",
        "Chopping Board",
        "Kettle",
        "Ladle",
        "Pan",
        "Plate",
        "Salt & Pepper Set",
    ),
    "Music": ("Bouzouki", "Drum", "Flute", "Guitar", "Harmonica", "Metronome", "Music Stand", "Ukulele"),
    "Sports": ("Backpack", "Ball", "Bottle", "Jump Rope", "Racket", "Skateboard", "Tent", "Yoga Mat"),
    "Toys": ("Blocks", "Dollhouse", "Kite", "Marbles", "Puzzle", "Rocking Horse", "Teddy Bear", "Train Set"),
}
QUALITIES = (
    *("Blue", "Classic", "Compact", "Deluxe", "Everyday", "Folding"),
    *("Green", "Large", "Light", "Little", "Red", "Travel"),
)
ORIGINS = ("Andros", "Chania", "Corfu", "Ithaca", "Naxos", "Paros", "Pelion", "Samos")
TITLES = ("Not for me", "Could be better", "Does what it should", "Very good", "Καταπληκτικό – exactly right")
TEXTS = ("Arrived quickly.", "A gift; she loves it.", "The colour is nicer than in the picture.", "")


@dataclass(frozen=True, slots=True)
class Login:
    """Somebody who can log in; the password is the user name."""

    username: str
    is_staff: bool = False
    is_superuser: bool = False


LOGINS = (
    Login("admin", is_staff=True, is_superuser=True),
    Login("sam", is_staff=True),
    Login("ada"),
    Login("grace"),
)


def is_loaded() -> bool:
    """Whether the demo's data are already there; they are loaded whole or not at all."""
    return Product.objects.filter(sku=FIRST_SKU).exists()


@transaction.atomic
def load(progress: Callable[[str], object]) -> None:
    """Create everything in one transaction, telling `progress` about each step."""
    rng = random.Random(SEED)  # noqa: S311  # repeatable on purpose
    customers = create_users()
    progress(f"{len(customers)} customers and {sum(login.is_staff for login in LOGINS)} members of staff")
    products = create_products(rng)
    progress(f"{len(products)} products in {len(CATEGORIES)} categories")
    progress(f"{create_images(products)} images")
    progress(f"{create_reviews(rng, products, customers)} reviews")
    progress(f"{create_orders(rng, products, customers)} orders")


def create_users() -> list[User]:
    """Create those who log in and those who only write reviews; return the customers."""
    logins = [
        User(
            username=login.username,
            email=f"{login.username}@example.com",
            password=make_password(login.username),
            is_staff=login.is_staff,
            is_superuser=login.is_superuser,
            date_joined=START,
            address=f"{login.username.title()}, Ermou 12, 105 63 Athens",
        )
        for login in LOGINS
    ]
    reviewers = [
        User(
            username=f"reader{number:02}",
            email=f"reader{number:02}@example.com",
            password=make_password(None),
            date_joined=START,
        )
        for number in range(1, REVIEWERS + 1)
    ]
    users = User.objects.bulk_create([*logins, *reviewers])
    desk = Group.objects.create(name="Order desk")
    desk.permissions.set(
        Permission.objects.filter(
            content_type__app_label="shop", codename__in=("view_order", "change_order", "view_product")
        )
    )
    User.objects.get(username="sam").groups.add(desk)
    return [user for user in users if not user.is_staff]


def create_products(rng: random.Random) -> list[Product]:
    """Create the categories, their products and the shop that sells one of them only."""
    categories = Category.objects.bulk_create(
        Category(name=name, slug=slugify(name), description=f"Everything in {name.lower()}.") for name in CATEGORIES
    )
    products = [product for category in categories for product in _products_of(category, rng)]
    rng.shuffle(products)
    for number, product in enumerate(products, start=1):
        product.sku = f"AG-{number:05}"
        product.slug = f"{slugify(product.name)}-{number}"
        product.created = START + timedelta(hours=5 * number, minutes=rng.randrange(60))
    books = next(category for category in categories if category.slug == "books")
    Tenant.objects.create(slug="books", name="Agora Books", only_category=books)
    Tenant.objects.create(slug="outlet", name="Agora Outlet")
    return Product.objects.bulk_create(products, batch_size=500)


def _products_of(category: Category, rng: random.Random) -> Iterator[Product]:
    names = [
        (quality, origin, noun) for quality in QUALITIES for origin in ORIGINS for noun in CATEGORIES[category.name]
    ]
    for quality, origin, noun in rng.sample(names, PRODUCTS_PER_CATEGORY):
        yield Product(
            category=category,
            name=f"{quality} {noun} {origin}",
            description=f"A {quality.lower()} {noun.lower()} from {origin} – handmade, “as good as it gets”.",
            price=Decimal(rng.randrange(190, 19_990)) / 100,
            stock=0 if rng.random() < 0.06 else rng.randrange(1, 80),
            is_active=True,
        )


def create_images(products: list[Product]) -> int:
    """Draw a picture for the first few products."""
    pictures = [ProductImage(product=product, image=_drawn(product), alt=product.name) for product in products[:IMAGES]]
    return len(ProductImage.objects.bulk_create(pictures))


def _drawn(product: Product) -> str:
    """Return the name of a plain picture with the product's name on it, drawing it if need be."""
    name = f"products/{product.sku.lower()}.png"
    if not default_storage.exists(name):
        picture = Image.new("RGB", (320, 240), color=(20, 97, 156))
        ImageDraw.Draw(picture).text((20, 110), product.name, fill="white")
        data = io.BytesIO()
        picture.save(data, "PNG")
        default_storage.save(name, ContentFile(data.getvalue()))
    return name


def create_reviews(rng: random.Random, products: list[Product], customers: list[User]) -> int:
    """Have customers review products, each product at most once."""
    pairs = rng.sample(range(len(products) * len(customers)), REVIEWS)
    reviews = []
    for number, pair in enumerate(pairs):
        rating = rng.choices((1, 2, 3, 4, 5), weights=(1, 2, 4, 8, 6))[0]
        reviews.append(
            Review(
                product=products[pair // len(customers)],
                author=customers[pair % len(customers)],
                rating=rating,
                title=TITLES[rating - 1],
                text=rng.choice(TEXTS),
                created=START + timedelta(days=210, minutes=17 * number),
            )
        )
    return len(Review.objects.bulk_create(reviews, batch_size=500))


def create_orders(rng: random.Random, products: list[Product], customers: list[User]) -> int:
    """Note past orders; the stock they took is already gone."""
    lines = []
    orders = []
    for number in range(ORDERS):
        chosen = rng.sample(products, rng.randint(1, 4))
        order = Order(
            customer=customers[number % len(customers)],
            status=rng.choice(Order.Status.values),
            address="Ermou 12, 105 63 Athens",
            created=START + timedelta(days=220, hours=3 * number),
        )
        of_order = [
            OrderLine(order=order, product=p, name=p.name, unit_price=p.price, quantity=rng.randint(1, 3))
            for p in chosen
        ]
        order.total = sum((line.total for line in of_order), Decimal(0))
        orders.append(order)
        lines += of_order
    Order.objects.bulk_create(orders)
    OrderLine.objects.bulk_create(lines)
    return len(orders)
