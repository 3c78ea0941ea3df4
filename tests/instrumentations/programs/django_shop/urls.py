"""Which view is where."""

from django.urls import include, path, re_path

from django_shop import views

urlpatterns = [
    path("items/<int:number>/", views.item, name="item"),
    path("broken/", views.broken),
    path("missing/", views.missing),
    path("denied/", views.denied),
    path("moved/", views.moved),
    path("page/", views.page),
    path("stream/", views.stream),
    re_path(r"^orders/(?P<name>\w+)$", views.Order.as_view()),
    path(
        "async/",
        include(
            [
                path("items/<int:number>/", views.async_item),
                path("broken/", views.async_broken),
                path("stream/", views.async_stream),
            ]
        ),
    ),
]
